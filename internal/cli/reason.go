// SPDX-License-Identifier: Apache-2.0

package cli

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/mivet/mivet"
	"github.com/mivet/mivet/abac"
	"github.com/mivet/mivet/arm"
	"github.com/mivet/mivet/authz"
	"github.com/mivet/mivet/review"
)

// Everything here is wording: which facts count was decided by the engine.

// verdict paints an effect.
func verdict(e authz.Effect) painted {
	switch e {
	case authz.Allowed:
		return green(e.String())
	case authz.Denied:
		return red(e.String())
	default:
		return yellow(e.String())
	}
}

// causeWords says what settled an answer.
func causeWords(c authz.Cause) string {
	switch c {
	case authz.CauseGrant:
		return "a grant gives it"
	case authz.CauseNoGrant:
		return "no grant gives it"
	case authz.CauseDeny:
		return "a deny assignment takes it away"
	case authz.CauseEligible:
		return "eligible only, and not activated"
	case authz.CauseIgnored:
		return "the resource's permission model ignores it"
	default:
		return "it hangs on " + c.String()
	}
}

// outcomeWords says what became of a fact.
func outcomeWords(o authz.Outcome) string {
	switch o {
	case authz.Grants:
		return "gives it"
	case authz.Denies:
		return "takes it away"
	case authz.MayGrant:
		return "may give it"
	case authz.MayDeny:
		return "may take it away"
	case authz.Eligible:
		return "would give it, once activated"
	case authz.OutOfTime:
		return "would give it, at another time"
	case authz.ConditionFails:
		return "does not give it: its condition does not hold"
	case authz.Blocked:
		return "gives it, and a deny assignment takes it away"
	case authz.ModelIgnores:
		return "does not count: the vault's permission model ignores it"
	case authz.Subtracted:
		return "does not give it: the role subtracts it again"
	case authz.OtherOperation:
		return "does not give it: the role has no such operation"
	case authz.OtherScope:
		return "does not give it here: the scope is another one"
	default:
		return o.String()
	}
}

// nearMiss reports whether a fact that does not decide is worth showing unasked: it would
// have given the operation but for one thing.
func nearMiss(o authz.Outcome) bool {
	return o != authz.OtherOperation && o != authz.OtherScope && o != authz.NotDenied
}

// field is a labelled line of a reason.
type field struct{ label, text string }

// fields are everything that a reason rests on.
func (r *resolver) fields(x *authz.Reason) []field {
	var fs []field
	add := func(label, text string) {
		if text != "" {
			fs = append(fs, field{label, text})
		}
	}
	fs = append(fs, r.factFields(x)...)
	add("pattern", patternWords(x))
	add("subtracts", x.NotPattern)
	add("scope", x.Scope.String())
	add("path", r.path(x.Via))
	fs = append(fs, conditionFields(x)...)
	add("note", x.Note)
	add("source", x.Source.String())
	return fs
}

// factFields name the fact itself and its role.
func (r *resolver) factFields(x *authz.Reason) []field {
	switch {
	case x.Assignment != nil:
		return append([]field{{"assignment", assignmentName(x.Assignment)}, {"role", roleWords(x)}}, timeFields(x.Assignment)...)
	case x.Deny != nil:
		return []field{{"deny", denyName(x.Deny)}, {"against", r.principalList(x.Deny.Principals)}, {"except", r.principalList(x.Deny.Excluded)}}
	case x.Policy != nil:
		return []field{{"policy", "access policy of " + x.Policy.Vault.String()}, {"gives", review.PolicyWords(x.Policy)}}
	case x.Local != nil:
		return []field{{"grant", fmt.Sprintf("%s role of %s", x.Local.System, x.Local.Account)}, {"role", cmp.Or(x.RoleName, x.Local.Role)}}
	case x.PathACL != nil:
		return []field{{"access list", pathWords(x.PathACL)}}
	case x.Delegation != nil:
		return []field{{"delegation", delegationWords(x.Delegation)}, {"role", x.RoleName}}
	}
	return nil
}

func pathWords(a *mivet.PathACL) string {
	return fmt.Sprintf("%s %s of %s in %s", a.Tag, a.Permissions, a.Path, a.Container.Name())
}

func delegationWords(d *mivet.Delegation) string {
	return fmt.Sprintf("%s to tenant %s", cmp.Or(d.Name, d.ID.String(), "Lighthouse"), d.ManagingTenant)
}

// assignmentName is the ID of an assignment. One of a plan or a text may not have any.
func assignmentName(a *mivet.RoleAssignment) string {
	if !a.ID.IsZero() {
		return a.ID.String()
	}
	if a.Source.Origin != nil && a.Source.Origin.Address != "" {
		return a.Source.Origin.Address
	}
	return "without an ID in " + a.Source.String()
}

func denyName(d *mivet.DenyAssignment) string {
	name := cmp.Or(d.Name, d.ID.String(), "without a name in "+d.Source.String())
	if d.SystemProtected {
		name += " (system protected)"
	}
	return name
}

func roleWords(x *authz.Reason) string {
	name := cmp.Or(x.RoleName, string(x.Assignment.Role))
	switch {
	case x.Role == nil:
		return name + " (definition not known)"
	case x.Role.BuiltIn:
		return fmt.Sprintf("%s (built-in, %s)", name, x.Role.ID)
	default:
		return fmt.Sprintf("%s (custom, %s)", name, x.Role.ID)
	}
}

func timeFields(a *mivet.RoleAssignment) []field {
	var words []string
	if a.Eligible {
		words = append(words, "eligible, to be activated")
	}
	if !a.Start.IsZero() {
		words = append(words, "from "+a.Start.UTC().Format(time.RFC3339))
	}
	if !a.End.IsZero() {
		words = append(words, "until "+a.End.UTC().Format(time.RFC3339))
	}
	if len(words) == 0 {
		return nil
	}
	return []field{{"in force", strings.Join(words, ", ")}}
}

func patternWords(x *authz.Reason) string {
	switch {
	case x.Pattern == "":
		return ""
	case x.Match == arm.NoMatch:
		return x.Pattern
	}
	return fmt.Sprintf("%s (matches %s)", x.Pattern, x.Match)
}

func conditionFields(x *authz.Reason) []field {
	if x.Condition == "" {
		return nil
	}
	fs := []field{{"condition", oneLine(x.Condition)}, {"holds", conditionValue(x.ConditionValue)}}
	if x.Residual != "" && x.Residual != x.Condition {
		fs = append(fs, field{"left over", oneLine(x.Residual)})
	}
	return fs
}

// oneLine joins the lines of a condition.
func oneLine(s string) string { return strings.Join(strings.Fields(s), " ") }

func conditionValue(t abac.Truth) string {
	switch t {
	case abac.True:
		return "yes"
	case abac.False:
		return "no"
	default:
		return "not known"
	}
}

func (r *resolver) principalList(ids []mivet.PrincipalID) string {
	var names []string
	for _, id := range ids {
		name, _ := r.describe(id)
		names = append(names, name)
	}
	return strings.Join(names, ", ")
}

// printReason prints a reason as a block: what became of it, then what it rests on.
func (r *resolver) printReason(p *printer, x *authz.Reason) {
	mark := "-"
	switch x.Outcome {
	case authz.Grants:
		mark = "+"
	case authz.MayGrant, authz.MayDeny:
		mark = "?"
	default:
	}
	p.printf("  %s %s\n", mark, bold(outcomeWords(x.Outcome)))
	for _, f := range r.fields(x) {
		if f.text != "" {
			p.printf("      %-11s %s\n", f.label, f.text)
		}
	}
}

// reasonLine is a reason on one line: the role first, since all lines of a list are
// about the same resource.
func (r *resolver) reasonLine(x *authz.Reason) string {
	fs := r.fields(x)
	if len(fs) > 0 && fs[0].label == "assignment" {
		// Its scope is on the line too; the name alone tells it apart.
		fs[0].text = fs[0].text[strings.LastIndexByte(fs[0].text, '/')+1:]
		fs[0], fs[1] = fs[1], fs[0]
	}
	var parts []string
	for _, f := range fs {
		if f.text != "" {
			parts = append(parts, f.label+" "+f.text)
		}
	}
	return strings.Join(parts, "; ")
}

// printMissing prints what is not known and what would decide it, each once. Facts of
// several kinds that were not read for one reason share a line.
func printMissing(p *printer, missing []authz.Missing) {
	seen := map[string]bool{}
	for i := range missing {
		line := "  ? " + missingWords(missing, i)
		if fix := missing[i].Fix; fix != "" {
			line += "\n      to decide: " + fix
		}
		if !seen[line] {
			seen[line] = true
			p.printf("%s\n", line)
		}
	}
}

// missingWords says what the i-th of some missing things is, together with the others that
// are missing for the same reason.
func missingWords(all []authz.Missing, i int) string {
	g := all[i].Gap
	if g == nil {
		return all[i].What
	}
	var kinds []string
	for _, m := range all {
		if m.Gap == nil || m.Fix != all[i].Fix || m.Gap.Reason != g.Reason || m.Gap.Subject != g.Subject || !m.Gap.Scope.Equal(g.Scope) {
			continue
		}
		if kind := string(m.Gap.Facts); !slices.Contains(kinds, kind) {
			kinds = append(kinds, kind)
		}
	}
	words := strings.Join(kinds, ", ")
	if n := len(kinds) - 1; n > 0 {
		words = strings.Join(kinds[:n], ", ") + " and " + kinds[n]
	}
	if g.Facts == mivet.FactInput {
		words = "a part of the input"
	}
	if place := cmp.Or(g.Subject, g.Scope.String()); place != "" {
		words += " (" + place + ")"
	}
	return words + " " + wasNotRead(kinds, g) + ": " + g.Reason
}

// wasNotRead fits the verb to what was not read.
func wasNotRead(kinds []string, g *mivet.Gap) string {
	if g.Facts == mivet.FactInput && len(kinds) == 1 {
		return "was not read"
	}
	return "were not read"
}
