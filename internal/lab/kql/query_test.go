// SPDX-License-Identifier: Apache-2.0

package kql

import (
	"encoding/json"
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// rows is a table in memory.
type rows struct {
	columns []Column
	values  [][]any
}

func (r *rows) Columns() []Column         { return r.columns }
func (r *rows) Len() int                  { return len(r.values) }
func (r *rows) Value(row, column int) any { return r.values[row][column] }

// fruit is a small table with every type that matters.
func fruit(t testing.TB) *rows {
	t.Helper()
	r := &rows{columns: []Column{{"id", String}, {"type", String}, {"weight", Long}, {"ripe", Bool}, {"picked", Datetime}, {"properties", Dynamic}, {"tags", Dynamic}}}
	add := func(id, typ string, weight, ripe, picked any, properties string) {
		var p any
		if err := json.Unmarshal([]byte(properties), &p); err != nil {
			t.Fatal(err)
		}
		r.values = append(r.values, []any{id, typ, weight, ripe, picked, p, nil})
	}
	add("/a/1", "Fruit/Apple", int64(3), true, "2026-01-02T00:00:00.0000000Z", `{"origin":{"country":"NZ"},"sizes":[3,4],"bio":true}`)
	add("/a/2", "fruit/apple", int64(5), false, "2026-03-04T00:00:00.0000000Z", `{"origin":{"country":"FR"},"bio":false}`)
	add("/b/1", "fruit/pear", nil, nil, nil, `{"origin":null,"note":"best of A-pear trees"}`)
	add("/c/1", "fruit/plum", int64(1), true, "2026-02-03T00:00:00.0000000Z", `{"origin":{"country":"nz"},"price":1.5}`)
	return r
}

func run(t testing.TB, query string) (*Result, error) {
	t.Helper()
	table := fruit(t)
	return Run(query, func(name string) Table {
		if name == "fruit" {
			return table
		}
		return nil
	})
}

// Queries give the rows that Kusto would give.
func TestQueries(t *testing.T) {
	f := func(query, want string) {
		t.Helper()
		r, err := run(t, query)
		if err != nil {
			t.Errorf("%s: %v", query, err)
			return
		}
		var all [][]any
		for i := range r.Len() {
			all = append(all, r.Row(i))
		}
		got, err := json.Marshal(all)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(want, string(got)); diff != "" {
			t.Errorf("%s: (-want +got)\n%s", query, diff)
		}
	}
	f("fruit | project id | take 2", `[["/a/1"],["/a/2"]]`)
	f("FRUIT | where type =~ 'FRUIT/apple' | project id", `[["/a/1"],["/a/2"]]`)
	f("fruit | where type == 'fruit/apple' | project id", `[["/a/2"]]`)
	f("fruit | where type !~ 'fruit/apple' | project id", `[["/b/1"],["/c/1"]]`)
	f("fruit | where type != 'fruit/apple' | project id", `[["/a/1"],["/b/1"],["/c/1"]]`)
	f("fruit | where type in ('fruit/apple', 'fruit/plum') | project id", `[["/a/2"],["/c/1"]]`)
	f("fruit | where type in~ ('FRUIT/APPLE') | project id", `[["/a/1"],["/a/2"]]`)
	f("fruit | where type !in ('fruit/apple') | project id", `[["/a/1"],["/b/1"],["/c/1"]]`)
	f("fruit | where type !in~ ('fruit/apple') | project id", `[["/b/1"],["/c/1"]]`)
	f("fruit | where weight in (1, 5) | project id", `[["/a/2"],["/c/1"]]`)

	// Null: neither less nor more; not equal to anything that is there.
	f("fruit | where weight > 1 | project id", `[["/a/1"],["/a/2"]]`)
	f("fruit | where weight != 3 | project id", `[["/a/2"],["/b/1"],["/c/1"]]`)
	f("fruit | where not(weight > 1) | project id", `[["/c/1"]]`)
	f("fruit | where isnull(weight) | project id", `[["/b/1"]]`)
	f("fruit | where isnotnull(weight) and ripe == true | project id", `[["/a/1"],["/c/1"]]`)
	f("fruit | where ripe | project id", `[["/a/1"],["/c/1"]]`)
	f("fruit | where weight <= 3 or isnull(ripe) | project id", `[["/a/1"],["/b/1"],["/c/1"]]`)
	f("fruit | where weight >= 3 and (type has 'apple') | project id", `[["/a/1"],["/a/2"]]`)
	f("fruit | where weight < 2.5 | project id", `[["/c/1"]]`)
	f("fruit | where weight == -1 | project id", `null`)

	// Paths into dynamic values.
	f("fruit | where properties.origin.country =~ 'nz' | project id", `[["/a/1"],["/c/1"]]`)
	f("fruit | project c = tostring(properties.origin.country), properties['note']", `[["NZ",null],["FR",null],["","best of A-pear trees"],["nz",null]]`)
	f("fruit | project s = properties.sizes[1]", `[[4],[null],[null],[null]]`)
	f("fruit | project n = array_length(properties.sizes) | where n > 1", `[[2]]`)
	f("fruit | where properties.bio == true | project id", `[["/a/1"]]`)
	f("fruit | where tobool(properties.bio) != true | project id", `[["/a/2"],["/b/1"],["/c/1"]]`)
	f("fruit | where isempty(tags) | count", `[[4]]`)

	// Texts.
	f("fruit | where id startswith '/A/' | project id", `[["/a/1"],["/a/2"]]`)
	f("fruit | where id !startswith '/A/' and id endswith '1' | project id", `[["/b/1"],["/c/1"]]`)
	f("fruit | where type contains 'PEA' | project id", `[["/b/1"]]`)
	f("fruit | where type !contains 'p' | project id", `null`)
	f("fruit | where tostring(properties.note) has 'pear' | project id", `[["/b/1"]]`)
	f("fruit | where tostring(properties.note) has 'tree' | project id", `null`)
	f("fruit | where type !has 'apple' | project id", `[["/b/1"],["/c/1"]]`)
	f("fruit | where id !endswith '1' | project a = toupper(id), b = tolower(type), c = strlen(id)", `[["/A/2","fruit/apple",4]]`)
	f(`fruit | where id == "/a/1" or id == @'/c/1' | project id`, `[["/a/1"],["/c/1"]]`)
	f("fruit // a comment | where\n| where id == '/a/1' // another\n| project id", `[["/a/1"]]`)

	// Times.
	f("fruit | where picked > datetime(2026-02-01) | project id", `[["/a/2"],["/c/1"]]`)
	f("fruit | where picked <= datetime('2026-02-03T00:00:00Z') | project id", `[["/a/1"],["/c/1"]]`)
	f("fruit | where todatetime('2026-01-02 00:00:00') == picked | project id", `[["/a/1"]]`)

	// Columns.
	f("fruit | extend w = weight, weight = id | project w, weight | take 1", `[[3,"/a/1"]]`)
	f("fruit | project-away properties, tags, type, ripe, picked, weight | take 1", `[["/a/1"]]`)
	f("fruit | project id, weight | project-rename w = weight | where w == 1", `[["/c/1",1]]`)
	f("fruit | project id, a = tolower(id) | take 1", `[["/a/1","/a/1"]]`)
	f("fruit | project a = toint(weight), b = tolong('7'), c = toint('x'), d = toint(properties.price), e = tobool('TRUE'), f = tobool('x'), g = tobool(weight) | take 1", `[[3,7,null,null,true,null,true]]`)

	// Order: descending unless it is said; nulls first ascending, last descending.
	f("fruit | order by weight | project weight", `[[5],[3],[1],[null]]`)
	f("fruit | sort by weight asc | project weight", `[[null],[1],[3],[5]]`)
	f("fruit | order by weight desc nulls first | project weight", `[[null],[5],[3],[1]]`)
	f("fruit | order by weight asc nulls last | project weight", `[[1],[3],[5],[null]]`)
	f("fruit | order by ripe asc, id desc | project id, ripe", `[["/b/1",null],["/a/2",false],["/c/1",true],["/a/1",true]]`)
	f("fruit | top 2 by weight asc nulls last | project id", `[["/c/1"],["/a/1"]]`)
	f("fruit | top 9 by picked | project id | limit 1", `[["/a/2"]]`)

	// Groups.
	f("fruit | distinct t = tolower(type)", `[["fruit/apple"],["fruit/pear"],["fruit/plum"]]`)
	f("fruit | summarize count() by t = tolower(type)", `[["fruit/apple",2],["fruit/pear",1],["fruit/plum",1]]`)
	f("fruit | summarize n = count(), countif(weight > 2), min(weight), max(picked)", `[[4,2,1,"2026-03-04T00:00:00.0000000Z"]]`)
	f("fruit | where id == 'none' | summarize count(), max(weight)", `[[0,null]]`)
	f("fruit | summarize by ripe", `[[true],[false],[null]]`)
	f("fruit | where weight > 100 | count", `[[0]]`)
	f("fruit | summarize count(), count()", `[[4,4]]`)
}

// The names and types of columns are those of Kusto.
func TestColumns(t *testing.T) {
	f := func(query string, want ...Column) {
		t.Helper()
		r, err := run(t, query)
		if err != nil {
			t.Errorf("%s: %v", query, err)
			return
		}
		if diff := cmp.Diff(want, r.Columns); diff != "" {
			t.Errorf("%s: (-want +got)\n%s", query, diff)
		}
	}
	f("fruit | project properties.origin.country, a = tolower(id), b = weight > 1", Column{"properties_origin_country", Dynamic}, Column{"a", String}, Column{"b", Bool})
	f("fruit | distinct tostring(properties.origin.country)", Column{"properties_origin_country", String})
	f("fruit | summarize count(), max(weight), m = min(picked) by type", Column{"type", String}, Column{"count_", Long}, Column{"max_weight", Long}, Column{"m", Datetime})
	f("fruit | summarize count(), count()", Column{"count_", Long}, Column{"count_1", Long})
	f("fruit | count", Column{"Count", Long})
	for typ, want := range map[Type]string{String: "string", Long: "long", Real: "real", Bool: "bool", Datetime: "datetime", Dynamic: "dynamic"} {
		if typ.String() != want {
			t.Errorf("%d is %s, want %s", typ, typ, want)
		}
	}
}

// A query that begins with an operator asks the default table.
func TestDefaultTable(t *testing.T) {
	asked := ""
	_, err := Run("where type =~ 'x'\n| project id | order by id asc", func(name string) Table {
		asked = name
		return fruit(t)
	})
	if err != nil || asked != "resources" {
		t.Errorf("asked %q: %v", asked, err)
	}
}

// A result has an order if the query gives it one.
func TestOrdered(t *testing.T) {
	f := func(query string, want bool) {
		t.Helper()
		r, err := run(t, query)
		if err != nil || r.Ordered != want {
			t.Errorf("%s: %v, %v", query, r, err)
		}
	}
	f("fruit", false)
	f("fruit | summarize count() by type", false)
	f("fruit | order by id", true)
	f("fruit | top 1 by id | project id", true)
}

// Only take and limit bound a result.
func TestLimited(t *testing.T) {
	f := func(query string, want bool) {
		t.Helper()
		r, err := run(t, query)
		if err != nil || r.Limited != want {
			t.Errorf("%s: %v, %v", query, r, err)
		}
	}
	f("fruit", false)
	f("fruit | top 1 by id", false)
	f("fruit | take 9", true)
	f("fruit | limit 1 | project id | order by id asc", true)
}

// What is not understood is an error with its place, never an answer.
func TestRefused(t *testing.T) {
	f := func(query, want string) {
		t.Helper()
		_, err := run(t, query)
		var e *Error
		switch {
		case !errors.As(err, &e):
			t.Errorf("%s: got %v, want an error with its place", query, err)
		case !strings.Contains(err.Error(), want):
			t.Errorf("%s: got %q, want %q", query, err, want)
		}
	}
	f("", "line 1, column 1: a name is expected")
	f("nuts", `column 1: there is no table "nuts"`)
	f("fruit where", `column 7: "|" is expected`)
	f("fruit |", "column 8: a name is expected")
	f("fruit\n| render piechart", `line 2, column 3: the operator "render" is not supported`)
	f("fruit | mv-expand properties", `the operator "mv" is not supported`)
	f("fruit | join kind=inner (fruit) on id", `the operator "join" is not supported`)
	f("fruit | where nothing == 1", `there is no column "nothing"`)
	f("fruit | where ID == '1'", `there is no column "ID"`)
	f("fruit | where id", "is of type string and must be true or false")
	f("fruit | where id == 1", "types string and long cannot be compared")
	f("fruit | where id > 'a'", "cannot be compared")
	f("fruit | where properties.note < 'a'", "cannot be compared")
	f("fruit | where picked == '2026-01-01'", "types datetime and string cannot be compared")
	f("fruit | where properties.when > datetime(2026-01-01)", "types dynamic and datetime cannot be compared")
	f("fruit | where weight contains 'a'", "cannot be compared")
	f("fruit | where weight =~ 3", "cannot be compared")
	f("fruit | where id == '1' and type", `what stands beside "and" must be true or false`)
	f("fruit | where type or id == '1'", `what stands beside "or" must be true or false`)
	f("fruit | where weight between (1 .. 2)", `the operator "between" is not supported`)
	f("fruit | where id in (1)", "holds literals of the type that is compared")
	f("fruit | where id in (type)", "holds literals")
	f("fruit | where weight in~ (1)", "cannot be compared")
	f("fruit | where id in 'a'", `"(" is expected`)
	f("fruit | where id in ('a'", `")" is expected`)
	f("fruit | where id in ()", "a value is expected")
	f("fruit | where id.x == 'a'", "has nothing below it")
	f("fruit | where id[0] == 'a'", "has nothing below it")
	f("fruit | where properties[id] == 'a'", "a text or a number is expected")
	f("fruit | where properties[1.5] == 'a'", "is no index")
	f("fruit | where properties[1 == 'a'", `"]" is expected`)
	f("fruit | where properties. == 'a'", "a name is expected")
	f("fruit | where rand() > 1", `the function "rand" is not supported`)
	f("fruit | where tolower(id, id) == 'a'", "tolower takes 1 arguments and has 2")
	f("fruit | where tolower(weight) == 'a'", "a value of type long is not accepted here")
	f("fruit | where tolower(id type) == 'a'", `"," is expected`)
	f("fruit | where picked > datetime(soon)", `"soon" is no time`)
	f("fruit | where picked > datetime('x')", `"x" is no time`)
	f("fruit | where weight == 1.2.3", "is no number")
	f("fruit | where weight == -id", "a number is expected")
	f("fruit | where (id == 'a'", `")" is expected`)
	f("fruit | where id == 'a", "the string does not end")
	f("fruit | where id == 'a\nb'", "the string does not end on its line")
	f(`fruit | where id == 'a\q'`, "the escape")
	f(`fruit | where id == 'a\`, "the string does not end")
	f("fruit | where id == #", "has no meaning here")
	f("fruit | project tolower(id)", "the column needs a name")
	f("fruit | project id, id", `there are two columns "id"`)
	f("fruit | project-away nothing", `there is no column "nothing"`)
	f("fruit | project-away 1", "a name is expected")
	f("fruit | project-rename id = type", `there is a column "id" already`)
	f("fruit | project-rename x", `"=" is expected`)
	f("fruit | project-rename x = y", `there is no column "y"`)
	f("fruit | extend a = weight, b = a", `there is no column "a"`)
	f("fruit | order id", `"by" is expected`)
	f("fruit | order by properties", "rows cannot be ordered by a value of type dynamic")
	f("fruit | order by id nulls", `"last" is expected`)
	f("fruit | order by", "a value is expected")
	f("fruit | top x by id", "a number of rows is expected")
	f("fruit | top 1", `"by" is expected`)
	f("fruit | top 1 by properties", "rows cannot be ordered")
	f("fruit | take", "a number of rows is expected")
	f("fruit | take 1.5", "is no number of rows")
	f("fruit | distinct properties", "rows cannot be grouped by a value of type dynamic")
	f("fruit | summarize count() by properties", "rows cannot be grouped")
	f("fruit | summarize stdev(weight)", `the aggregation "stdev" is not supported`)
	f("fruit | summarize count(id)", "count takes 0 arguments and has 1")
	f("fruit | summarize max(properties)", "takes no value of type dynamic")
	f("fruit | summarize max weight", `"(" is expected`)
	f("fruit | summarize max(weight", `"," is expected`)
	f("fruit | summarize count() count()", `"|" is expected`)
	f("fruit | summarize count(), | take 1", "is not supported")
	f(strings.Repeat("(", 100), "a name is expected")
	f("fruit | where "+strings.Repeat("(", 100)+"ripe", "nests deeper than 64 levels")
	f(strings.Repeat("x", MaxQuery+1), "longer than")

	// A text beside a boolean or a number in a dynamic value: nobody says what comes of it.
	f("fruit | where properties.bio == 'true'", "a text is compared with a value that is none, true")
	f("fruit | where properties.price == '1.5'", "a text is compared with a value that is none, 1.5")
	f("fruit | where properties.bio in ('true')", "a text is compared with a value that is none")
	f("fruit | where not(properties.bio == 'true')", "a text is compared")
	f("fruit | where id == 'x' or properties.bio == 'true'", "a text is compared")
	f("fruit | where properties.bio == 'true' or id == 'x'", "a text is compared")
	f("fruit | where isnotempty(id) and properties.bio == 'true'", "a text is compared")
	f("fruit | where properties.bio == 'true' and isnotempty(id)", "a text is compared")
	f("fruit | project properties.bio == 'true'", "a text is compared")
	f("fruit | extend x = properties.bio != 'true'", "a text is compared")
	f("fruit | order by properties.bio == 'true'", "a text is compared")
	f("fruit | summarize countif(properties.bio == 'true')", "a text is compared")
}

// A query of any bytes ends with a result or with an error that has a place in it.
func FuzzRun(f *testing.F) {
	for _, q := range []string{
		"fruit | where type =~ 'a' and properties.x.y in~ ('b') | project id, a = tostring(properties['x'][0]) | order by id asc nulls last | take 3",
		"fruit | summarize n = count(), countif(ripe) by tolower(type) | top 2 by n", "fruit | extend picked = datetime(2026-01-01T00:00:00Z) // end",
		`fruit | distinct id | project-rename x = id | project-away x`, `fruit | where @'a''b' has "c\n"`, "fruit | where not(weight >= -1.5)",
	} {
		f.Add(q)
	}
	f.Fuzz(func(t *testing.T, query string) {
		r, err := run(t, query)
		var e *Error
		switch {
		case err == nil:
			for i := range r.Len() {
				if len(r.Row(i)) != len(r.Columns) {
					t.Fatalf("row %d has other columns than the result", i)
				}
			}
		case !errors.As(err, &e) || e.Line < 1 || e.Column < 1:
			t.Fatalf("an error without a place: %v", err)
		}
	})
}
