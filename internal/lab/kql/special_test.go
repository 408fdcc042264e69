// SPDX-License-Identifier: Apache-2.0

package kql

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// Functions whose arguments are read in a way of their own, and those that take many.
func TestSpecialFunctions(t *testing.T) {
	for expression, want := range map[string]string{
		`startofday(picked)`:                              `["2026-01-02T00:00:00.0000000Z","2026-03-04T00:00:00.0000000Z",null,"2026-02-03T00:00:00.0000000Z"]`,
		`bin(datetime(2026-01-02T10:59:59.9999999Z), 1h)`: `["2026-01-02T10:00:00.0000000Z"]`,
		`bin(datetime(2026-01-02T10:59:59Z), 15m)`:        `["2026-01-02T10:45:00.0000000Z"]`,
		`extract('^/([a-z])/([0-9])$', 2, id)`:            `["1","2","1","1"]`,
		`extract('^/(?i:A|B)/', 0, id)`:                   `["/a/","/a/","/b/",""]`,
		`extract('x', 0, tostring(properties.note))`:      `["","","",""]`,
		`coalesce(tostring(properties.note), '', id)`:     `["/a/1","/a/2","best of A-pear trees","/c/1"]`,
		`coalesce('')`: `[""]`,
		`strcat(id, '-', weight, tostring(ripe))`:                `["/a/1-3true","/a/2-5false","/b/1-","/c/1-1true"]`,
		`iff(ripe, id, 'no')`:                                    `["/a/1","no","no","/c/1"]`,
		`iff(type contains_cs 'Apple' or weight == 1, 'x', 'y')`: `["x","y","y","x"]`,
		`iif(weight > 2, 1, 0)`:                                  `[1,1,0,0]`,
		`tostring(column_ifexists('weight', ''))`:                `["3","5","","1"]`,
		`tostring(column_ifexists('no_such_column', 'instead'))`: `["instead","instead","instead","instead"]`,
	} {
		r, err := run(t, "fruit | project x = "+expression)
		if err != nil {
			t.Errorf("%s: %v", expression, err)
			continue
		}
		var values []any
		for i := range r.Len() {
			values = append(values, r.Row(i)[0])
		}
		got, err := json.Marshal(values)
		if err != nil {
			t.Fatal(err)
		}
		if !strings.Contains(want, ",") { // the same for each row
			want = "[" + strings.Repeat(strings.Trim(want, "[]")+",", r.Len()-1) + strings.Trim(want, "[]") + "]"
		}
		if diff := cmp.Diff(want, string(got)); diff != "" {
			t.Errorf("%s (-want +got):\n%s", expression, diff)
		}
	}
}

func TestSpecialFunctionsRefuse(t *testing.T) {
	for expression, want := range map[string]string{
		`bin(weight, 1h)`:                "bin takes a time here",
		`bin(picked, 1.5h)`:              "a span of time such as 1h is expected",
		`bin(picked, 1w)`:                "a span of time such as 1h is expected",
		`bin(picked, x)`:                 "a number is expected",
		`bin(picked)`:                    `","`,
		`bin(nothing, 1h)`:               "no column",
		`iff(ripe, id)`:                  `","`,
		`iff(ripe, id, 1)`:               "both values of iff must be of one type",
		`iff(id, 1, 2)`:                  "",
		`iff(ripe, nothing, 1)`:          "no column",
		`extract(id, 0, id)`:             "a pattern is expected as a literal",
		`extract('(', 0, id)`:            "the pattern cannot be read",
		`extract('a', 1, id)`:            "the pattern has no such group",
		`extract('a', 1.5, id)`:          "the pattern has no such group",
		`extract('a' 1, id)`:             `","`,
		`extract('a', x, id)`:            "a number is expected",
		`extract('a', 0 id)`:             `","`,
		`extract('a', 0, weight)`:        "not accepted here",
		`extract('a', 0, nothing)`:       "no column",
		`column_ifexists(id, '')`:        "the name of a column is expected as a text",
		`column_ifexists('id' '')`:       `","`,
		`column_ifexists('id', nothing)`: "no column",
		`coalesce(weight)`:               "not accepted here",
		`coalesce(id, weight)`:           "not accepted here",
		`coalesce()`:                     "takes",
		`startofday(id)`:                 "not accepted here",
		`nosuch(id)`:                     "is not supported",
	} {
		_, err := run(t, "fruit | project x = "+expression)
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, expected %q", expression, err, want)
		}
	}
}
