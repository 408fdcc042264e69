// SPDX-License-Identifier: Apache-2.0

package redact

import (
	"slices"
	"strings"
)

// Names of values that are secret whatever they look like, folded. Those of the first
// list are never names of other things. Sources: keys of Azure connection strings, SAS
// and request headers (MicrosoftDocs/azure-docs articles/storage/common,
// articles/azure-functions), and habit.
var (
	passwordNames = []string{
		"accountkey", "sharedaccesskey", "sharedaccesssignature", "sharedsecret", "password", "passwd", "passphrase", "pwd",
		"clientsecret", "apikey", "primarykey", "secondarykey", "masterkey", "hostkey", "functionkey", "functionskey",
		"subscriptionkey", "storagekey", "privatekey", "encryptionkey", "signingkey", "connectionstring", "instrumentationkey",
	}
	wordNames = []string{"secret", "token", "credential", "credentials", "sig", "signature", "authorization"}
	// Names that count only as a parameter of a URL.
	queryNames = []string{"code", "key"}
)

// foldName lowers a name and leaves out what separates its words.
func foldName(s string) string {
	return strings.Map(func(r rune) rune {
		switch {
		case r == '-' || r == '_' || r == ' ':
			return -1
		case 'A' <= r && r <= 'Z':
			return r + ('a' - 'A')
		}
		return r
	}, s)
}

func endsWithAny(name string, endings []string) bool {
	for _, e := range endings {
		if strings.HasSuffix(name, e) {
			return true
		}
	}
	return false
}

// secretName reports whether a tag or setting of that name has a secret value.
func secretName(name string) bool {
	name = foldName(name)
	return endsWithAny(name, passwordNames) || endsWithAny(name, wordNames)
}

// cutPairs replaces values that stand behind a name and "=" or ":".
func cutPairs(s string) string {
	var b strings.Builder
	at := 0
	for i := 0; i < len(s); i++ {
		n := separator(s[i:])
		if n == 0 || i < at {
			continue
		}
		from, ok := pairValue(s, i, n)
		if !ok {
			continue
		}
		to := valueEnd(s, from)
		if to == from || strings.HasPrefix(s[from:], Marker) {
			continue
		}
		b.WriteString(s[at:from])
		b.WriteString(Marker)
		at = to
	}
	if at == 0 {
		return s
	}
	b.WriteString(s[at:])
	return b.String()
}

// separator returns the length of the sign between name and value that s begins with.
func separator(s string) int {
	switch {
	case s[0] == '=' || s[0] == ':':
		return 1
	case s[0] == '%' && len(s) > 2 && s[1] == '3' && (s[2] == 'D' || s[2] == 'd'):
		return 3
	}
	return 0
}

// maxName is how far back a name is looked for.
const maxName = 32

// pairValue returns where the value behind a separator begins, if the name before it
// says that it is secret. After a colon a blank or a quote must follow, or stand before
// it, except for passwords: names of repositories and images stand before colons too.
func pairValue(s string, separatorAt, n int) (int, bool) {
	end := separatorAt
	for end > 0 && s[end-1] == ' ' {
		end--
	}
	quoted := end > 0 && (s[end-1] == '"' || s[end-1] == '\'')
	if quoted {
		end--
	}
	begin := end
	for begin > 0 && end-begin < maxName && (class(s[begin-1]) != 0 || s[begin-1] == '-' || s[begin-1] == '_' || s[begin-1] == ' ') {
		begin--
	}
	name := foldName(s[begin:end])
	from := separatorAt + n
	for from < len(s) && s[from] == ' ' {
		from++
	}
	apart := quoted || from > separatorAt+n || from < len(s) && (s[from] == '"' || s[from] == '\'')
	switch {
	case endsWithAny(name, passwordNames):
		return from, true
	case endsWithAny(name, wordNames):
		return from, s[separatorAt] != ':' || apart
	case begin > 0 && (s[begin-1] == '?' || s[begin-1] == '&') && s[separatorAt] == '=':
		if slices.Contains(queryNames, name) {
			return from, true
		}
	}
	return 0, false
}

// valueEnd returns where the value that begins at from ends. A value in quotes may have
// blanks; of an authorization header the scheme belongs to it.
func valueEnd(s string, from int) int {
	if from < len(s) && (s[from] == '"' || s[from] == '\'') {
		if end := strings.IndexByte(s[from+1:], s[from]); end >= 0 {
			return from + 1 + end + 1
		}
		return len(s)
	}
	end := from + endOfWord(s[from:])
	switch strings.ToLower(s[from:end]) {
	case "bearer", "basic", "sharedaccesssignature", "sharedkey":
		if end < len(s) && s[end] == ' ' {
			return end + 1 + endOfWord(s[end+1:])
		}
	}
	return end
}

func endOfWord(s string) int {
	if i := strings.IndexAny(s, " \t\r\n;&,\"'<>"); i >= 0 {
		return i
	}
	return len(s)
}
