// SPDX-License-Identifier: Apache-2.0

package denial

import (
	"regexp"
	"slices"
	"strings"
)

// A form is one way in which a service says no.
type form struct {
	service Service
	code    string
	status  int
	// says is the sentence or the code that nobody else writes.
	says *regexp.Regexp
	// beside must be in the text too, where says alone would fit others; often nil.
	beside *regexp.Regexp
	// fields find the rest of the text by the names of their groups.
	fields []*regexp.Regexp
	// causes are those that this text has, most likely first.
	causes []Cause
	proves []string
	// refine says what follows from the fields; often nil.
	refine func(d *Denial, text string)

	words, besideWords sieve // of says and of beside
}

// sifted gives the forms of a table their sieves.
func sifted(table []form) []form {
	for i := range table {
		table[i].words, table[i].besideWords = newSieve(table[i].says), newSieve(table[i].beside)
	}
	return table
}

// match returns the places of the groups of says in a text, which is given in lower case too.
func (f *form) match(text, lower string) []int {
	if !f.words.passes(lower) || !f.besideWords.passes(lower) || f.beside != nil && !f.beside.MatchString(text) {
		return nil
	}
	return f.says.FindStringSubmatchIndex(text)
}

// read fills in what the form finds in a text that it fits.
func (f *form) read(text string, m []int) *Denial {
	d := &Denial{
		Service: f.service, Code: f.code, Status: f.status, Caller: callerOf(text),
		Causes: slices.Clone(f.causes), Proves: slices.Clone(f.proves),
	}
	d.take(text, f.says, m)
	for _, re := range f.fields {
		d.take(text, re, re.FindStringSubmatchIndex(text))
	}
	if f.refine != nil {
		f.refine(d, text)
	}
	d.chain(text)
	return d
}

// take puts the named groups of a match where they belong. The first value stands.
func (d *Denial) take(text string, re *regexp.Regexp, m []int) {
	if m == nil {
		return
	}
	for i, name := range re.SubexpNames() {
		if name == "" || m[2*i] < 0 {
			continue
		}
		at := d.field(name)
		if value := strings.TrimSpace(text[m[2*i]:m[2*i+1]]); *at == "" {
			*at = value
		}
	}
}

// field is where the group of a name goes. The names are those of the table below.
func (d *Denial) field(name string) *string {
	switch name {
	case "code":
		return &d.Code
	case "op":
		return &d.Operation
	case "res":
		return &d.Resource
	case "lop":
		return &d.LinkedOperation
	case "lres":
		return &d.LinkedResource
	case "assignment":
		return &d.Assignment
	case "deny":
		return &d.Deny
	default:
		return d.Caller.field(name)
	}
}

func (c *Caller) field(name string) *string {
	switch name {
	case "appid":
		return &c.AppID
	case "oid":
		return &c.OID
	case "principal":
		return &c.Principal
	case "name":
		return &c.Name
	case "client":
		return &c.Client
	case "user":
		return &c.User
	case "iss":
		return &c.Issuer
	case "sub":
		return &c.Subject
	case "aud":
		return &c.Audience
	case "xms_mirid":
		return &c.Identity
	case "xms_az_rid":
		return &c.Host
	default:
		return new(string) // a key of the caller's line that nobody asks for
	}
}

var (
	// callerRun is the list of claims with which Key Vault names a caller.
	callerRun = regexp.MustCompile(`(?:[A-Za-z_]+=[^;'"\n]*;\s*)*(?:appid|oid)=[^;'"\n]*(?:;\s*[A-Za-z_]+=[^;'"\n]*)*`)
	// nextField ends a claim where the ends of lines were lost.
	nextField = regexp.MustCompile(`\s+(?:Action|Resource|Vault|Assignment|Caller)\s*:|\s+does not\b|,\s`)
)

// callerOf reads the claims that name a caller: "appid=…;oid=…;iss=…".
func callerOf(text string) Caller {
	var c Caller
	run := callerRun.FindString(text)
	if run == "" {
		return c
	}
	for pair := range strings.SplitSeq(run, ";") {
		key, value, _ := strings.Cut(pair, "=")
		if at := nextField.FindStringIndex(value); at != nil {
			value = value[:at[0]]
		}
		// What stands before the first key belongs to the sentence: "Caller: name".
		if i := strings.LastIndexAny(strings.TrimSpace(key), " :("); i >= 0 {
			key = strings.TrimSpace(key)[i+1:]
		}
		if at := c.field(strings.ToLower(strings.TrimSpace(key))); *at == "" {
			*at = strings.TrimSpace(value)
		}
	}
	return c
}

// first puts a cause before the others.
func (d *Denial) first(c Cause) {
	d.Causes = append([]Cause{c}, slices.DeleteFunc(d.Causes, func(o Cause) bool { return o == c })...)
}

// only leaves one cause, which the text settles.
func (d *Denial) only(c Cause, why string) {
	d.Causes = []Cause{c}
	d.Proves = append(d.Proves, why)
}
