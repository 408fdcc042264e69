// SPDX-License-Identifier: Apache-2.0

package conformance

import (
	"fmt"
	"io/fs"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"unicode/utf16"
	"unicode/utf8"

	"github.com/mivet/mivet/bicep"
)

// A listing repeats the source and says under each line, in a comment, what begins on it: //@[04:10) Identifier |name|.
// Columns count UTF-16 units from 0; line ends in the text are written as \r and \n.
var (
	tokenLine = regexp.MustCompile(`^//@\[(\d+):(\d+)\) (\w+) \|(.*)\|$`)
	faultLine = regexp.MustCompile(`^//@\[(\d+):(\d+)\) \[(BCP\d+) \(Error\)\]`)
)

func compareTokens(f *folder, p pair) (difference, why string) {
	source, listing, err := readListing(f, p)
	if err != nil {
		return "", err.Error()
	}
	var want []string
	for line := range strings.SplitSeq(listing, "\n") {
		if m := tokenLine.FindStringSubmatch(strings.TrimSuffix(line, "\r")); m != nil {
			want = append(want, fmt.Sprintf("[%s:%s) %s |%s|", trimZeros(m[1]), trimZeros(m[2]), m[3], m[4]))
		}
	}
	tokens, _ := bicep.Lex(source)
	got := make([]string, len(tokens))
	escape := strings.NewReplacer("\r", `\r`, "\n", `\n`)
	for i, t := range tokens {
		from := column(source, t.Start)
		text := t.Text(source)
		got[i] = fmt.Sprintf("[%d:%d) %s |%s|", from, from+units(text), t.Kind, escape.Replace(text))
	}
	// The end of the file is listed under the last line. Where a token that goes over several lines is the last, the
	// listing ends with that.
	if len(want) == len(got)-1 && strings.Contains(tokens[max(0, len(tokens)-2)].Text(source), "\n") {
		got = got[:len(want)]
	}
	for i := range max(len(want), len(got)) {
		switch {
		case i >= len(want):
			return fmt.Sprintf("token %d: %s instead of the end", i, got[i]), ""
		case i >= len(got):
			return fmt.Sprintf("token %d: the end instead of %s", i, want[i]), ""
		case want[i] != got[i]:
			return fmt.Sprintf("token %d: %s instead of %s", i, got[i], want[i]), ""
		}
	}
	return "", ""
}

func readListing(f *folder, p pair) (source, listing string, err error) {
	a, err := fs.ReadFile(f.tree, p.source)
	if err != nil {
		return "", "", err
	}
	b, err := fs.ReadFile(f.tree, p.answer)
	return string(a), string(b), err
}

func trimZeros(s string) string {
	n, err := strconv.Atoi(s)
	if err != nil {
		return s
	}
	return strconv.Itoa(n)
}

// column counts the UTF-16 units before an offset in its line; a byte order mark is none.
func column(source string, offset int) int {
	begin := strings.LastIndexAny(source[:offset], "\r\n") + 1
	return units(strings.TrimPrefix(source[begin:offset], "\ufeff"))
}

func units(s string) int {
	n := 0
	for _, r := range s {
		if r == utf8.RuneError {
			n++
			continue
		}
		n += utf16.RuneLen(r)
	}
	return n
}

// grammarCodes are the errors of the compiler that need no types of resources: letters, grammar, names and files.
var grammarCodes = []string{
	"BCP001", "BCP002", "BCP003", "BCP004", "BCP006", "BCP007", "BCP008", "BCP009", "BCP010", "BCP012", "BCP013", "BCP015", "BCP016",
	"BCP017", "BCP018", "BCP019", "BCP020", "BCP022", "BCP028", "BCP057", "BCP064", "BCP068", "BCP080", "BCP086", "BCP091", "BCP096",
	"BCP097", "BCP117", "BCP118", "BCP123", "BCP132", "BCP133", "BCP140", "BCP162", "BCP167", "BCP236", "BCP237", "BCP238", "BCP243",
	"BCP279", "BCP360",
}

// compareFaults compares whether a file has errors that can be found without the types of resources. Where the compiler
// finds none at all, none may be reported; where it finds such, one must be.
func compareFaults(f *folder, p pair) (difference, why string) {
	_, listing, err := readListing(f, p)
	if err != nil {
		return "", err.Error()
	}
	errorsFound, grammar := 0, 0
	for line := range strings.SplitSeq(listing, "\n") {
		m := faultLine.FindStringSubmatch(line)
		if m == nil {
			continue
		}
		errorsFound++
		if slices.Contains(grammarCodes, m[3]) {
			grammar++
		}
	}
	diagnostics, err := faultsOf(f, p.source)
	if err != nil {
		return "", err.Error()
	}
	switch found := firstError(diagnostics); {
	case errorsFound == 0 && found != "":
		return found + " instead of no error", ""
	case grammar > 0 && found == "":
		return fmt.Sprintf("no error instead of %d", grammar), ""
	}
	return "", ""
}

func faultsOf(f *folder, source string) ([]bicep.Diagnostic, error) {
	if strings.HasSuffix(source, ".bicepparam") {
		c, err := bicep.CompileParameters(source, f.opts)
		if err != nil {
			return nil, err
		}
		return c.Diagnostics, nil
	}
	c, err := bicep.Compile(source, f.opts)
	if err != nil {
		return nil, err
	}
	return c.Diagnostics, nil
}
