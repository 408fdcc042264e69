// SPDX-License-Identifier: Apache-2.0

package cli

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/mivet/mivet"
	"github.com/mivet/mivet/arm"
)

// resolver finds what the words of a question stand for in a snapshot.
type resolver struct {
	snap  *mivet.Snapshot
	index *mivet.Index
}

func newResolver(s *mivet.Snapshot) *resolver {
	return &resolver{snap: s, index: mivet.NewIndex(s)}
}

// match is something that a word may stand for.
type match struct {
	principal mivet.PrincipalID
	resource  arm.ID
	// what describes it to a person who has to choose.
	what string
	// exact is true where the word is spelled as the name is.
	exact bool
}

// identity finds a principal by its ID, its client ID, the resource ID or the address of
// the identity or of its carrier, or a name. A GUID of which the snapshot knows nothing
// is taken for a principal; known is false then.
func (r *resolver) identity(word string) (id mivet.PrincipalID, known bool, err error) {
	id = mivet.NewPrincipalID(word)
	if r.mentioned(id) {
		return id, true, nil
	}
	for _, find := range []func(string) []match{r.byClientID, r.byIdentityResource, r.byAddress, r.byName} {
		found := distinctPrincipals(find(word))
		switch {
		case len(found) == 1:
			return found[0].principal, true, nil
		case len(found) > 1:
			return "", false, ambiguous("identity", word, found)
		}
	}
	if mivet.IsGUID(word) {
		return id, false, nil
	}
	return "", false, r.noIdentity(word)
}

// mentioned reports whether any fact speaks of a principal of that ID.
func (r *resolver) mentioned(id mivet.PrincipalID) bool {
	if r.index.Principal(id) != nil || r.index.Identity(id) != nil {
		return true
	}
	return slices.ContainsFunc(r.snap.RoleAssignments, func(a mivet.RoleAssignment) bool { return a.Principal == id }) ||
		slices.ContainsFunc(r.snap.Memberships, func(m mivet.Membership) bool { return m.Member == id || m.Group == id }) ||
		slices.ContainsFunc(r.snap.AccessPolicies, func(p mivet.AccessPolicy) bool { return p.Principal == id })
}

func (r *resolver) byClientID(word string) []match {
	var out []match
	if !mivet.IsGUID(word) {
		return nil
	}
	for i := range r.snap.Identities {
		if m := &r.snap.Identities[i]; strings.EqualFold(m.ClientID, word) && m.Principal != "" {
			out = append(out, r.identityMatch(m))
		}
	}
	for i := range r.snap.Principals {
		if p := &r.snap.Principals[i]; strings.EqualFold(p.ClientID, word) {
			out = append(out, r.principalMatch(p))
		}
	}
	return out
}

// byIdentityResource finds the identities of a resource ID: a user-assigned identity
// itself, or what a carrier carries.
func (r *resolver) byIdentityResource(word string) []match {
	id, err := arm.ParseID(word)
	if err != nil {
		return nil
	}
	return r.identitiesOf(id)
}

func (r *resolver) identitiesOf(id arm.ID) []match {
	if m := r.index.UserAssigned(id); m != nil && m.Principal != "" {
		return []match{r.identityMatch(m)}
	}
	var out []match
	for i := range r.snap.Identities {
		m := &r.snap.Identities[i]
		if m.Kind == mivet.SystemAssigned && m.Resource.Equal(id) && m.Principal != "" {
			out = append(out, r.identityMatch(m))
		}
	}
	res := r.index.Resource(id)
	if res == nil || res.Identity == nil {
		return out
	}
	if p := res.Identity.SystemPrincipal; p != "" && len(out) == 0 {
		out = append(out, match{principal: p, what: "system-assigned identity of " + id.String()})
	}
	for _, u := range res.Identity.User {
		if m := r.index.UserAssigned(u); m != nil && m.Principal != "" {
			out = append(out, r.identityMatch(m))
		}
	}
	return out
}

func (r *resolver) byAddress(word string) []match {
	var out []match
	for i := range r.snap.Declarations {
		d := &r.snap.Declarations[i]
		if d.Address != word {
			continue
		}
		if found := r.identitiesOf(d.Resource); len(found) > 0 {
			out = append(out, found...)
			continue
		}
		if p := mivet.SymbolicPrincipal(word); r.mentioned(p) {
			out = append(out, match{principal: p, what: string(p)})
		}
	}
	return out
}

// byName finds principals, identities and carriers by name. If some are spelled exactly
// so, the others do not count.
func (r *resolver) byName(word string) []match {
	var out []match
	key := arm.Fold(strings.TrimSpace(word))
	for i := range r.snap.Principals {
		if p := &r.snap.Principals[i]; arm.Fold(p.Name) == key {
			m := r.principalMatch(p)
			m.exact = p.Name == word
			out = append(out, m)
		}
	}
	for i := range r.snap.Identities {
		id := &r.snap.Identities[i]
		if name := id.Resource.Name(); arm.Fold(name) == key && id.Principal != "" {
			m := r.identityMatch(id)
			m.exact = name == word
			out = append(out, m)
		}
	}
	for i := range r.snap.Resources {
		res := &r.snap.Resources[i]
		if res.Identity == nil || arm.Fold(res.ID.Name()) != key {
			continue
		}
		for _, m := range r.identitiesOf(res.ID) {
			m.exact = res.ID.Name() == word
			out = append(out, m)
		}
	}
	return preferExact(out)
}

func preferExact(all []match) []match {
	var exact []match
	for _, m := range all {
		if m.exact {
			exact = append(exact, m)
		}
	}
	if len(exact) > 0 {
		return exact
	}
	return all
}

// principalMatch describes a principal, as the identity that it belongs to if it is one.
func (r *resolver) principalMatch(p *mivet.Principal) match {
	if m := r.index.Identity(p.ID); m != nil {
		return r.identityMatch(m)
	}
	kind := string(cmp.Or(p.Type, "principal"))
	return match{principal: p.ID, what: fmt.Sprintf("%s %s (%s)", kind, p.Name, p.ID)}
}

func (r *resolver) identityMatch(id *mivet.Identity) match {
	kind := "user-assigned identity "
	if id.Kind == mivet.SystemAssigned {
		kind = "system-assigned identity of "
	}
	return match{principal: id.Principal, what: kind + id.Resource.String() + " (" + string(id.Principal) + ")"}
}

// distinctPrincipals drops further ways to the same principal.
func distinctPrincipals(all []match) []match {
	seen := map[mivet.PrincipalID]bool{}
	var out []match
	for _, m := range all {
		if !seen[m.principal] {
			seen[m.principal] = true
			out = append(out, m)
		}
	}
	return out
}

const maxCandidates = 10

// ambiguous is the error for a word that stands for several things; it lists them.
func ambiguous(kind, word string, found []match) error {
	var hints []string
	for _, m := range found[:min(len(found), maxCandidates)] {
		hints = append(hints, "it may be "+m.what)
	}
	if n := len(found) - maxCandidates; n > 0 {
		hints = append(hints, fmt.Sprintf("and %d more", n))
	}
	hints = append(hints, "give the one you mean by its ID")
	return errorWithHint(fmt.Errorf("%s %q is ambiguous: %d have that name", kind, word, len(found)), hints...)
}

func (r *resolver) noIdentity(word string) error {
	var names []string
	for i := range r.snap.Principals {
		names = append(names, r.snap.Principals[i].Name)
	}
	for i := range r.snap.Identities {
		names = append(names, r.snap.Identities[i].Resource.Name())
	}
	slices.Sort(names)
	meant := r.nearAddresses(word, func(d *mivet.Declaration) bool { return d.UserAssigned || d.IdentityType != "" })
	return notFound("identity", word, append(meant, near(word, slices.Compact(names), maxMeant-len(meant))...),
		"an identity can be given by name, principal ID, client ID, resource ID or Terraform address")
}

// maxMeant is how many names a hint gives.
const maxMeant = 3

// nearAddresses returns the addresses of a plan that are the word but for modules and
// instance keys, else those that are spelled like it, else those of the same type.
func (r *resolver) nearAddresses(word string, fits func(*mivet.Declaration) bool) []string {
	if !strings.Contains(word, ".") {
		return nil
	}
	var all, same, alike []string
	bare := bareAddress(word)
	typ, _, _ := strings.Cut(bare, ".")
	for i := range r.snap.Declarations {
		d := &r.snap.Declarations[i]
		if d.Address == "" || !fits(d) {
			continue
		}
		all = append(all, d.Address)
		if d.Type == typ {
			alike = append(alike, d.Address)
		}
		if bareAddress(d.Address) == bare {
			same = append(same, d.Address)
		}
	}
	for _, list := range [][]string{same, near(word, all, maxMeant), alike} {
		if len(list) > 0 {
			return list[:min(len(list), maxMeant)]
		}
	}
	return nil
}

// bareAddress is the type and name of an address: without modules and instance keys.
func bareAddress(address string) string {
	parts := strings.Split(withoutKeys(address), ".")
	return strings.Join(parts[max(0, len(parts)-2):], ".")
}

// withoutKeys drops what stands in brackets, in which dots and brackets may be quoted.
func withoutKeys(address string) string {
	var b strings.Builder
	inside, quoted := false, false
	for i := 0; i < len(address); i++ {
		switch c := address[i]; {
		case quoted && c == '\\':
			i++
		case inside && c == '"':
			quoted = !quoted
		case quoted:
		case c == '[':
			inside = true
		case c == ']':
			inside = false
		case !inside:
			b.WriteByte(c)
		}
	}
	return b.String()
}

func notFound(kind, word string, names []string, forms string) error {
	var hints []string
	if len(names) > 0 {
		hints = append(hints, "did you mean "+strings.Join(names, ", or ")+"?")
	}
	return errorWithHint(fmt.Errorf("there is no %s %q in the input", kind, word), append(hints, forms)...)
}

// resource finds a scope by its ID, its name, or the name of a resource followed by the
// path of a child, as in "kv-shop/secrets/db". Where a name is ambiguous the provider
// of the operation decides, if it can.
func (r *resolver) resource(word string, provider string) (arm.ID, error) {
	word = strings.TrimSpace(word)
	if strings.HasPrefix(word, "/") {
		return arm.ParseID(word)
	}
	found := r.scopesNamed(word)
	rest := ""
	if len(found) == 0 {
		var base string
		if base, rest, _ = strings.Cut(word, "/"); rest != "" {
			found = r.scopesNamed(base)
		}
	}
	found = preferExact(found)
	if len(found) > 1 {
		found = ofProvider(found, provider)
	}
	switch {
	case len(found) == 0:
		return arm.ID{}, r.noResource(word)
	case len(found) > 1:
		return arm.ID{}, ambiguous("resource", word, found)
	case rest != "":
		return arm.ParseID(found[0].resource.String() + "/" + rest)
	}
	return found[0].resource, nil
}

// scopesNamed finds what has a name: resources, subscriptions, management groups, and
// objects of a plan by their address.
func (r *resolver) scopesNamed(word string) []match {
	key := arm.Fold(word)
	seen := map[arm.Key]bool{}
	var out []match
	add := func(id arm.ID, name string) {
		if id.IsZero() || arm.Fold(name) != key || seen[id.Key()] {
			return
		}
		seen[id.Key()] = true
		out = append(out, match{resource: id, what: id.String(), exact: name == word})
	}
	for i := range r.snap.Resources {
		id := r.snap.Resources[i].ID
		add(id, id.Name())
		add(id.ResourceGroupID(), id.ResourceGroup())
	}
	for i := range r.snap.Subscriptions {
		sub := &r.snap.Subscriptions[i]
		add(sub.ID, sub.Name)
		add(sub.ID, sub.ID.Name())
	}
	for i := range r.snap.ManagementGroups {
		g := &r.snap.ManagementGroups[i]
		add(g.ID, g.Name)
		add(g.ID, g.ID.Name())
	}
	for i := range r.snap.Declarations {
		add(r.snap.Declarations[i].Resource, r.snap.Declarations[i].Address)
	}
	return out
}

// ofProvider keeps the scopes of a resource provider, if there are any.
func ofProvider(all []match, provider string) []match {
	var out []match
	for _, m := range all {
		if p, _, _ := strings.Cut(m.resource.Type(), "/"); arm.Fold(p) == arm.Fold(provider) {
			out = append(out, m)
		}
	}
	if len(out) > 0 {
		return out
	}
	return all
}

func (r *resolver) noResource(word string) error {
	var names []string
	for i := range r.snap.Resources {
		names = append(names, r.snap.Resources[i].ID.Name())
	}
	for i := range r.snap.Subscriptions {
		names = append(names, r.snap.Subscriptions[i].Name)
	}
	slices.Sort(names)
	meant := r.nearAddresses(word, func(d *mivet.Declaration) bool { return !d.Resource.IsZero() })
	return notFound("resource", word, append(meant, near(word, slices.Compact(names), maxMeant-len(meant))...),
		`a resource can be given by name, by name and child ("kv-shop/secrets/db"), by resource ID or by Terraform address`)
}
