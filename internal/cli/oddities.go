// SPDX-License-Identifier: Apache-2.0

package cli

import (
	"fmt"
	"slices"
	"strings"

	"github.com/mivet/mivet"
	"github.com/mivet/mivet/abac"
	"github.com/mivet/mivet/authz"
)

// tellOddities notes what a text says and Azure would refuse: conditions that cannot be
// read, and permissions of access lists that do not exist. The facts stay as they are
// written, since an engine says of each answer what hangs on them.
func (a *app) tellOddities(s *mivet.Snapshot) {
	var lines []string
	condition := func(at mivet.Source, text string) {
		if text == "" {
			return
		}
		if _, err := abac.CompileText(text); err != nil {
			lines = append(lines, fmt.Sprintf("%s: the condition cannot be read: %s", at, err))
		}
	}
	for i := range s.RoleAssignments {
		condition(s.RoleAssignments[i].Source, s.RoleAssignments[i].Condition)
	}
	for i := range s.DenyAssignments {
		condition(s.DenyAssignments[i].Source, s.DenyAssignments[i].Condition)
	}
	for i := range s.RoleDefinitions {
		for _, p := range s.RoleDefinitions[i].Permissions {
			condition(s.RoleDefinitions[i].Source, p.Condition)
		}
	}
	for i := range s.AccessPolicies {
		lines = append(lines, oddPermissions(&s.AccessPolicies[i])...)
	}
	for i, l := range lines {
		if i == maxListed && !a.verbose {
			a.note("%s more of this kind; --verbose lists them", counted(len(lines)-i, "oddity"))
			return
		}
		a.note("%s", l)
	}
}

// oddPermissions lists the permissions of an access policy that do not exist.
func oddPermissions(p *mivet.AccessPolicy) []string {
	var lines []string
	check := func(list string, words []string) {
		known := authz.PolicyWords(list)
		for _, w := range words {
			if slices.Contains(known, strings.ToLower(w)) {
				continue
			}
			line := fmt.Sprintf("%s: %q is no permission of %s in an access list", p.Source, w, list)
			if meant := near(w, known, 1); len(meant) > 0 {
				line += fmt.Sprintf("; did you mean %q?", meant[0])
			}
			lines = append(lines, line)
		}
	}
	check("secrets", p.Secrets)
	check("keys", p.Keys)
	check("certificates", p.Certificates)
	return lines
}
