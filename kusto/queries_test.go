// SPDX-License-Identifier: Apache-2.0

package kusto

import (
	"os"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// All queries are in a file, which the language service of Kusto checks: make kql.
func TestQueriesAreThoseThatAreChecked(t *testing.T) {
	const file = "testdata/queries.kql"
	from := time.Date(2026, 11, 2, 0, 0, 0, 0, time.UTC)
	var b strings.Builder
	for _, k := range Tables() {
		b.WriteString("// " + k.Name + ": how many entries there are on each day\n" + k.Days(from, from.AddDate(0, 0, 30)) + "\n\n")
		b.WriteString("// " + k.Name + ": the entries of a day\n" + k.Query(from, from.AddDate(0, 0, 1)) + "\n\n")
	}
	if os.Getenv("MIVET_UPDATE") != "" {
		if err := os.WriteFile(file, []byte(b.String()), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(strings.Split(string(want), "\n"), strings.Split(b.String(), "\n")); diff != "" {
		t.Errorf("MIVET_UPDATE=1 go test ./kusto writes the file anew, and make kql checks it (-file +queries):\n%s", diff)
	}
}
