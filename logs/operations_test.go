// SPDX-License-Identifier: Apache-2.0

package logs

import (
	"strings"
	"testing"

	"github.com/mivet/mivet/arm"
)

func TestOperationsOfTheProgram(t *testing.T) {
	c, err := readOperations(operationText)
	if err != nil {
		t.Fatal(err)
	}
	rows := 0
	for name, s := range c.services {
		for operationName, op := range s.exact {
			rows++
			if s.find([]byte(strings.ToUpper(operationName))) != op {
				t.Errorf("%s %s is not found in capitals", name, operationName)
			}
			for alternative := range strings.SplitSeq(string(op.action), " | ") {
				for action := range strings.SplitSeq(alternative, " + ") {
					if _, err := arm.ParsePattern(action); op.reason == NoReason && err != nil {
						t.Errorf("%s %s: %v", name, operationName, err)
					}
				}
			}
		}
	}
	if rows < 300 {
		t.Errorf("%d rows", rows)
	}
}

func TestReadOperationsRefuses(t *testing.T) {
	const head = operationColumns + "\n"
	for text, want := range map[string]string{
		"":                       "no operation of",
		"# origin\nservice\n":    `line 2: columns "service"`,
		head + "blob\tGetBlob\n": "line 2: 2 fields, expected 6",
		head + "blob\tGetBlob\tA/b/read\tmoon\taccount\tP": `plane "moon" is none of`,
		head + "blob\tGetBlob\t\tdata\taccount\tP":         `plane "data" with action ""`,
		head + "blob\tGetBlob\tA/b/read\tnone\t-\tP":       `plane "none" with action "A/b/read"`,
	} {
		if _, err := readOperations(text); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v, expected %q", text, err, want)
		}
	}
}
