// SPDX-License-Identifier: Apache-2.0

package privilege

import (
	_ "embed" // the rule's page
	"fmt"
	"slices"
	"strings"

	"github.com/mivet/mivet"
	"github.com/mivet/mivet/arm"
	"github.com/mivet/mivet/authz"
	"github.com/mivet/mivet/catalog"
	"github.com/mivet/mivet/vet"
)

//go:embed grants_itself.md
var grantsItselfDoc string

// GrantsItself finds identities that can give themselves rights that they do not have.
var GrantsItself = &vet.Rule{
	ID:       "grants-itself",
	Title:    "Identity that can grant itself rights",
	Doc:      grantsItselfDoc,
	Category: "privilege",
	Severity: mivet.SeverityHigh,
	Class:    "access-can-grant",
	Needs:    []mivet.FactKind{mivet.FactRoleAssignments, mivet.FactRoleDefinitions},
	Since:    "0.1.0",
	Sources:  []vet.Citation{delegation, vaultGuide},
	Check:    checkGrantsItself,
}

// way is one way in which a principal can give itself rights.
type way struct {
	holding  *vet.Holding
	evidence []mivet.Evidence
	words    string
	severity mivet.Severity
}

func checkGrantsItself(p *vet.Pass) error {
	seen := &openings{ways: map[*vet.Role][]*catalog.KeyBypass{}, at: map[openingKey]*opening{}}
	for _, id := range p.Workers() {
		var ways []way
		looked := false
		for _, h := range p.Holdings(id) {
			if h.Role.Definition == nil {
				p.Unassessed(unknownRole(p, &h))
				continue
			}
			looked = true
			ways = append(ways, roleWays(p, &h)...)
			ways = append(ways, serviceWays(p, &h, seen)...)
		}
		switch {
		case len(ways) > 0:
			p.Report(grantsItselfFinding(p, id, ways))
		case looked:
			p.Pass()
		}
	}
	return nil
}

// roleWays says which roles a holding lets its holder assign to itself.
func roleWays(p *vet.Pass, h *vet.Holding) []way {
	if !h.Role.Powers.Any(vet.GrantsRoles | vet.GrantsSome) {
		return nil
	}
	w := way{holding: h, evidence: []mivet.Evidence{p.HoldingFact(h)}}
	switch p.GrantsFreely(h) {
	case authz.Allowed:
		w.words, w.severity = "any role at "+p.ScopeWords(h.Scope()), mivet.SeverityHigh
		if wide(h.Scope()) && h.Scope().ResourceGroup() == "" {
			w.severity = mivet.SeverityCritical
		}
		return []way{w}
	case authz.Unknown:
		p.Unassessed(undecidable(p, h))
		return nil
	case authz.Denied:
	}
	roles := grantable(p, h)
	if len(roles) == 0 {
		return nil
	}
	w.words = fmt.Sprintf("%s at %s", vet.AtMost(roles, 2), p.ScopeWords(h.Scope()))
	w.severity = mivet.SeverityLow
	if p.AnyRole(roles, vet.Privileged|vet.ReadsSecrets|vet.TakesKeys|vet.GrantsSome) {
		w.severity = mivet.SeverityMedium
	}
	w.evidence = append(w.evidence, mivet.Evidence{
		Kind: mivet.Predicted, Source: h.Assignment.Source,
		Fact: fmt.Sprintf("the conditions let it assign %s to itself: %s", vet.Count(len(roles), "role"), vet.AtMost(roles, 4)),
	})
	return []way{w}
}

// grantable returns the built-in roles that a restricted grantor may assign to itself,
// less those that it holds at or above the scope already.
func grantable(p *vet.Pass, h *vet.Holding) []string {
	held := map[mivet.RoleID]bool{}
	for _, o := range p.Holdings(h.Holder) {
		if o.Role.Definition != nil && p.Covers(o.Scope(), h.Scope()) {
			held[o.Role.Definition.ID] = true
		}
	}
	var out []string
	all := p.Catalog.Roles()
	for i := range all {
		if !held[all[i].ID] && p.MayGrant(h.Holder, all[i].ID, h.Scope()).Effect == authz.Allowed {
			out = append(out, all[i].Name)
		}
	}
	slices.Sort(out)
	return out
}

// serviceWays says where a holding lets its holder write the access list of a vault, or a
// grant of a service's own authorization system.
func serviceWays(p *vet.Pass, h *vet.Holding, seen *openings) []way {
	var out []way
	if !h.Surely || !h.Role.Powers.Has(vet.Writes) {
		return nil
	}
	for _, b := range seen.of(p, h.Role) {
		o := openTo(p, h, b, seen.at)
		if o == nil || o.open.count == 0 || slices.ContainsFunc(out, func(w way) bool { return w.words == o.words }) {
			continue
		}
		out = append(out, way{
			holding: h, words: o.words, severity: mivet.SeverityHigh,
			evidence: append([]mivet.Evidence{p.HoldingFact(h)}, o.evidence...),
		})
	}
	return out
}

// openings holds what does not hang on who holds a role: the ways of the role, and what
// they reach below a scope.
type openings struct {
	ways map[*vet.Role][]*catalog.KeyBypass
	at   map[openingKey]*opening
}

// of returns the bypasses by which a role can give itself rights of a service.
func (o *openings) of(p *vet.Pass, role *vet.Role) []*catalog.KeyBypass {
	found, ok := o.ways[role]
	if ok {
		return found
	}
	all := p.Catalog.KeyBypasses()
	for i := range all {
		b := &all[i]
		own := b.Kind == catalog.BypassAccessPolicy || b.Kind == catalog.BypassNativeRBAC
		if own && givesItself(b) && role.Grants(b.Action, mivet.PlaneControl) {
			found = append(found, b)
		}
	}
	o.ways[role] = found
	return found
}

// givesItself reports whether a bypass lets its holder put itself into the service's own
// grants. Of Cosmos DB the system of the NoSQL interface is taken, since the interface
// of an account is not always read; a trusted access of AKS is for other services.
func givesItself(b *catalog.KeyBypass) bool {
	switch arm.Fold(accountType(b.ResourceType)) {
	case "microsoft.documentdb/databaseaccounts":
		return strings.HasSuffix(string(b.Action.Key()), "/sqlroleassignments/write")
	case "microsoft.containerservice/managedclusters":
		return false
	}
	return true
}

// shownOpen is how many resources a finding names.
const shownOpen = 20

// opening is what a bypass reaches below a scope: who holds the right there does not
// matter.
type opening struct {
	open, unread group
	// words and evidence say it of the open ones.
	words    string
	evidence []mivet.Evidence
}

type openingKey struct {
	bypass *catalog.KeyBypass
	scope  arm.Key
}

// group is a set of resources: the first of them, and how many there are.
type group struct {
	first []*mivet.Resource
	count int
}

func (g *group) put(r *mivet.Resource) {
	g.count++
	if len(g.first) < shownOpen {
		g.first = append(g.first, r)
	}
}

// tell writes down what is open.
func (o *opening) tell(b *catalog.KeyBypass) {
	o.words = "all data of " + data(&o.open)
	for _, r := range o.open.first {
		o.evidence = append(o.evidence, mivet.Evidence{
			Kind: mivet.Predicted, Source: r.Source,
			Fact: fmt.Sprintf("%s lets it write the grants of %s %s", b.Action, vet.TypeWords(r.ID.Type()), r.ID.Name()),
		})
	}
}

// openTo returns the resources below a holding at which a bypass is open: vaults that use
// their access list, accounts with a system of their own. Vaults of which the model was
// not read are said to be undecided. It is nil where there are no such resources.
func openTo(p *vet.Pass, h *vet.Holding, b *catalog.KeyBypass, seen map[openingKey]*opening) *opening {
	key := openingKey{b, h.Scope().Key()}
	o := seen[key]
	if o == nil {
		all := p.OfType(accountType(b.ResourceType), h.Scope())
		if len(all) == 0 {
			return nil
		}
		o = &opening{}
		seen[key] = o
		for _, r := range all {
			model := vet.VaultModelOf(r)
			switch {
			case b.Kind != catalog.BypassAccessPolicy, model == vet.ModelPolicies:
				o.open.put(r)
			case model == vet.ModelUnknown:
				o.unread.put(r)
			}
		}
		o.tell(b)
	}
	if o.unread.count > 0 {
		p.Unassessed(vet.Undecided{
			Subject: p.SubjectOf(h.Holder), Source: h.Assignment.Source, Facts: mivet.FactResources,
			Reason:     fmt.Sprintf("whether %s uses its access list, which %s may write, was not read", data(&o.unread), h.Role.Label),
			Permission: "Microsoft.KeyVault/vaults/read",
		})
	}
	return o
}

// accountType returns the type of the resource that keeps the grants: for role
// assignments of an account the account's.
func accountType(t string) string {
	provider := strings.IndexByte(t, '/') + 1
	if end := strings.IndexByte(t[provider:], '/'); end >= 0 {
		return t[:provider+end]
	}
	return t
}

// data names resources: the first two, and how many more.
func data(open *group) string {
	var names []string
	for _, r := range open.first[:min(len(open.first), 2)] {
		names = append(names, vet.TypeWords(r.ID.Type())+" "+r.ID.Name())
	}
	if more := open.count - len(names); more > 0 {
		return strings.Join(names, ", ") + fmt.Sprintf(" and %d more", more)
	}
	return vet.List(names)
}

func grantsItselfFinding(p *vet.Pass, id mivet.PrincipalID, ways []way) mivet.Finding {
	reach := p.ReachBy(id)
	f := mivet.Finding{
		Subject: p.SubjectOf(id), Source: ways[0].holding.Assignment.Source, Reach: &reach,
	}
	var words []string
	var edits []mivet.Edit
	done := map[*mivet.RoleAssignment]bool{}
	sum := vet.Replacement{}
	complete := true
	used := make([]*vet.Holding, len(ways))
	for i, w := range ways {
		used[i] = w.holding
		f.Severity = max(f.Severity, w.severity)
		if i > 0 && ways[i-1].holding.Assignment == w.holding.Assignment && ways[i-1].evidence[0] == w.evidence[0] {
			w.evidence = w.evidence[1:] // that it holds the role was said
		}
		f.Evidence = append(f.Evidence, w.evidence...)
		if !slices.Contains(words, w.words) {
			words = append(words, w.words)
		}
		if done[w.holding.Assignment] {
			continue
		}
		done[w.holding.Assignment] = true
		more := p.Replace(w.holding.Assignment)
		edits, complete = append(edits, more.Edits...), complete && more.Edits != nil
		sum.Needed, sum.Known = sum.Needed+more.Needed, max(sum.Known, more.Known)
	}
	if complete {
		sum.Edits = edits
	}
	f.Message = fmt.Sprintf("%s can give itself %s", p.Name(id), vet.AtMost(words, 2))
	unless, unread := p.Unless(used...)
	f.Evidence = append(f.Evidence, unread...)
	f.Consequence = fmt.Sprintf("what its roles say is not the limit: one request makes %s more than anybody decided%s", p.Name(id), unless)
	f.Fix = grantFix(p, ways, sum)
	return f
}

func grantFix(p *vet.Pass, ways []way, r vet.Replacement) mivet.Fix {
	f := smallerFix(p, ways[0].holding.Assignment, r)
	if len(r.Edits) > 0 && ways[0].holding.Assignment != ways[len(ways)-1].holding.Assignment {
		f.Summary = fmt.Sprintf("take the %s by which %s can give itself rights, and give it the roles that it uses", vet.Count(len(ways), "role"), p.Name(ways[0].holding.Holder))
	}
	return f
}
