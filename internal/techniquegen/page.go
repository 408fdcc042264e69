// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bytes"
	"fmt"
	"slices"
	"strings"

	"github.com/mivet/mivet"
	"github.com/mivet/mivet/catalog"
	"github.com/mivet/mivet/execpath"
)

// page says which techniques each built-in role satisfies alone, and what the techniques
// are.
func page(table *execpath.Table, cat *catalog.Catalog, date string) []byte {
	var b bytes.Buffer
	fmt.Fprintf(&b, `# What built-in roles reach alone

Written by `+"`go generate ./execpath`"+` from the table of techniques of %s and the built-in roles of %s. Do not change it by hand.

A technique stands in a row if the role holds all rights of one of its ways, each on its plane, at one scope. Conditions inside a role, deny assignments and what configuration must say are not looked at here: `+"`mivet path`"+` and `+"`mivet who-can-act-as`"+` look at all of that. A technique that needs a right outside of Azure is in no row.

- **acts**: code of the holder's runs as the identity (kinds exec, authority, content).
- **helps**: one right of two, poisoned supplies, stored credentials, or a lifted guardrail.
- **no token**: the identity is used for the holder, or nobody has shown that it works.

## Roles

Roles that satisfy nothing but ARM-03, which is no path, are left out.

| role | acts | helps | no token |
|---|---|---|---|
`, date, cat.Date())
	roles := slices.Clone(cat.Roles())
	slices.SortFunc(roles, func(a, b2 mivet.RoleDefinition) int { return strings.Compare(a.Name, b2.Name) })
	for i := range roles {
		var acts, helps, rest []string
		for _, t := range table.Reach(&roles[i]) {
			switch t.Kind {
			case execpath.KindExec, execpath.KindAuthority, execpath.KindContent:
				acts = append(acts, t.ID)
			case execpath.KindHalf, execpath.KindSupply, execpath.KindSecret, execpath.KindTrigger, execpath.KindEnabler:
				helps = append(helps, t.ID)
			case execpath.KindNoPath:
			default:
				rest = append(rest, t.ID)
			}
		}
		if len(acts)+len(helps)+len(rest) > 0 {
			fmt.Fprintf(&b, "| %s | %s | %s | %s |\n", cell(roles[i].Name), strings.Join(acts, " "), strings.Join(helps, " "), strings.Join(rest, " "))
		}
	}
	b.WriteString("\n## Techniques\n\n| id | kind | about | how | certainty |\n|---|---|---|---|---|\n")
	rows := table.Techniques()
	for i := range rows {
		t := &rows[i]
		fmt.Fprintf(&b, "| %s | %s | %s | %s | %s |\n", t.ID, t.Kind, cell(t.About), cell(t.How), t.Certainty)
	}
	return b.Bytes()
}

// cell writes a text into a table.
func cell(s string) string {
	return strings.NewReplacer("|", "\\|", "\n", " ", "<", "&lt;", ">", "&gt;").Replace(s)
}
