// SPDX-License-Identifier: Apache-2.0

package iac

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"

	"github.com/mivet/mivet"
	"github.com/mivet/mivet/arm"
)

// ReadAzureHound reads the output of AzureHound: {"data": [{"kind", "data"}…], "meta"},
// with meta.type "azure". name is how messages and sources call the input.
//
// The collector leaves out more than it says (SpecterOps/AzureHound@23735c8): it lists no
// definitions of Azure roles and no deny assignments, asks for role assignments by an API
// version that has no conditions, and keeps only certain roles at certain scopes. Each of
// these is a gap, and every role assignment is marked as one whose condition is not known.
func ReadAzureHound(ctx context.Context, name string, r io.Reader) (*mivet.Snapshot, error) {
	buffered := bufio.NewReaderSize(r, headLength)
	head, err := buffered.Peek(headLength)
	if err != nil && !errors.Is(err, io.EOF) {
		return nil, fmt.Errorf("reading %s: %w", name, err)
	}
	if kind := Recognise(head); kind != KindAzureHound {
		return nil, kind.unsupported(name)
	}
	h := newHound(ctx, name, decodeText(buffered, head))
	if err := h.document(); err != nil {
		return nil, err
	}
	return h.finish(), nil
}

// hound reads AzureHound output.
type hound struct {
	*scanner
	ctx      context.Context
	snap     *mivet.Snapshot
	allowed  *fields
	armPaths []string
	readers  map[string]houndReader

	kinds       map[string]int
	count       int // what the file says it holds
	items       int
	resources   map[arm.Key]int
	identities  map[string]int
	assignments map[arm.Key]bool
	policies    map[policyKey]bool
	groups      map[arm.Key]int // management groups
	subs        map[arm.Key]int
	roles       map[string]string // names of directory roles by ID
	apps        map[string]string // object IDs of applications by client ID
	src         mivet.Source
	gaps        gapSet
}

// houndReader makes facts of one item.
type houndReader func(h *hound, a attrs)

func newHound(ctx context.Context, name string, r io.Reader) *hound {
	return &hound{
		scanner: newScanner(name, r), ctx: ctx, snap: &mivet.Snapshot{Inputs: []string{name}},
		allowed: newFields(houndFields()...), armPaths: armSettings(), readers: houndReaders(),
		kinds: map[string]int{}, count: -1, resources: map[arm.Key]int{}, identities: map[string]int{},
		assignments: map[arm.Key]bool{}, policies: map[policyKey]bool{}, groups: map[arm.Key]int{}, subs: map[arm.Key]int{},
		roles: map[string]string{}, apps: map[string]string{},
	}
}

func (h *hound) document() error {
	err := h.object(func(name []byte) error {
		switch string(name) {
		case "data":
			return h.arrayOrSkip(func(int) error { return h.item() })
		case "meta":
			return h.objectOrSkip(func(name []byte) error {
				if string(name) != "count" {
					return h.skip()
				}
				b, err := h.scalar()
				if n, bad := strconv.Atoi(string(b)); bad == nil {
					h.count = n
				}
				return err
			})
		default:
			return h.skip()
		}
	})
	if err != nil {
		return err
	}
	return h.scanner.finish()
}

// item reads one {"kind", "data"}, in any order.
func (h *hound) item() error {
	if h.items++; h.items&1023 == 0 && h.ctx.Err() != nil {
		return h.ctx.Err()
	}
	h.peek()
	line := h.line
	var kind string
	var data any
	room := maxValue
	err := h.objectOrSkip(func(name []byte) (err error) {
		switch string(name) {
		case "kind":
			kind, err = h.string()
		case "data":
			data, err = h.value(h.allowed, &room)
		default:
			err = h.skip()
		}
		return err
	})
	if err != nil {
		return err
	}
	a, _ := data.(map[string]any)
	h.take(kind, line, a, room < 0)
	return nil
}

// take makes facts of an item; over is true where it was too large to keep.
func (h *hound) take(kind string, line int, a attrs, over bool) {
	h.src = mivet.Source{Origin: &mivet.Origin{File: h.file}, Line: line}
	h.kinds[kind]++
	read, known := h.readers[kind]
	switch {
	case !known:
		h.gaps.tally(mivet.FactInput, "items of this kind are not understood", kind, "item "+strconv.Itoa(h.items-1), h.src)
		return
	case over:
		h.gaps.add(mivet.Gap{
			Facts: mivet.FactInput, Subject: kind + ", item " + strconv.Itoa(h.items-1), Source: h.src,
			Reason: "it holds more than 16 MiB of what is read, and was left out",
		})
		if kind == "AZGroupMember" {
			h.gaps.add(mivet.Gap{Facts: mivet.FactMemberships, Source: h.src, Reason: "the members of a group were too many to read"})
		}
		return
	case read == nil:
		return
	}
	if id := firstOf(a.str("id"), a.str("keyVaultId"), a.str("groupId"), a.str("objectId")); id != "" {
		h.src.Origin.Address = kind + " " + id
	} else {
		h.src.Origin.Address = kind
	}
	read(h, a)
}

// resource adds a resource in Azure's own form. The collector writes IDs in upper case;
// the type and the name are put back as they are known.
func (h *hound) resource(a attrs, typ string) arm.ID {
	id := spelled(a.str("id"), typ, a.str("name"))
	if id.IsZero() {
		return id
	}
	r := mivet.Resource{ID: id, Location: a.str("location"), Source: h.src}
	props, _ := a["properties"].(map[string]any)
	d := mivet.Detail{Kind: a.str("kind"), Tags: textMap(a["tags"]), Settings: armSettingsOf(h.armPaths, props)}
	if arm.Fold(typ) == "microsoft.keyvault/vaults" && d.Settings["enableRbacAuthorization"] == "" {
		d.Settings["enableRbacAuthorization"] = "false" // the collector leaves out what is false
	}
	r.Detail = orNil(d)
	r.Identity = h.attachment(a, id)
	if i, ok := h.resources[id.Key()]; ok {
		h.snap.Resources[i] = r
		return id
	}
	h.resources[id.Key()] = len(h.snap.Resources)
	h.snap.Resources = append(h.snap.Resources, r)
	return id
}

// bare adds a resource of which nothing but the ID is known.
func (h *hound) bare(id arm.ID) {
	if _, ok := h.resources[id.Key()]; ok || id.IsZero() {
		return
	}
	h.resources[id.Key()] = len(h.snap.Resources)
	h.snap.Resources = append(h.snap.Resources, mivet.Resource{ID: id, Source: h.src})
}

func (h *hound) attachment(a attrs, id arm.ID) *mivet.Attachment {
	system, user := identityKinds(a.str("identity", "type"))
	if !system && !user {
		return nil
	}
	at := &mivet.Attachment{System: system}
	if system {
		at.SystemPrincipal = mivet.NewPrincipalID(a.str("identity", "principalId"))
		h.identity(mivet.Identity{
			Kind: mivet.SystemAssigned, Resource: id, Principal: at.SystemPrincipal,
			TenantID: a.str("identity", "tenantId"), Source: h.src,
		})
	}
	attached, _ := a["identity"].(map[string]any)["userAssignedIdentities"].(map[string]any)
	for _, key := range sortedKeys(attached) {
		u := parsed(key)
		if u.IsZero() {
			continue
		}
		at.User = append(at.User, u)
		h.bare(u)
		m, _ := attached[key].(map[string]any)
		h.identity(mivet.Identity{
			Kind: mivet.UserAssigned, Resource: u, Principal: mivet.NewPrincipalID(attrs(m).str("principalId")),
			ClientID: attrs(m).str("clientId"), Source: h.src,
		})
	}
	return at
}

func (h *hound) identity(id mivet.Identity) {
	key := string(id.Kind) + string(id.Resource.Key())
	i, ok := h.identities[key]
	if !ok {
		h.identities[key] = len(h.snap.Identities)
		h.snap.Identities = append(h.snap.Identities, id)
		return
	}
	have := &h.snap.Identities[i]
	if have.Principal == "" {
		have.Principal = id.Principal
	}
	if have.ClientID == "" {
		have.ClientID = id.ClientID
	}
	if have.TenantID == "" {
		have.TenantID = id.TenantID
	}
}

// spelled writes an ID the way Azure does: known words in their usual case, the last name
// as the item gives it.
func spelled(id, typ, name string) arm.ID {
	known := append(strings.Split(typ, "/"), "subscriptions", "resourceGroups", "providers", "managementGroups", "Microsoft.Management")
	parts := strings.Split(id, "/")
	for i, p := range parts[:len(parts)-1] {
		for _, w := range known {
			if len(w) == len(p) && strings.EqualFold(w, p) {
				parts[i] = w
				break
			}
		}
	}
	if last := len(parts) - 1; strings.EqualFold(parts[last], name) {
		parts[last] = name
	}
	for i := 1; i < len(parts); i++ {
		if mivet.IsGUID(parts[i]) {
			parts[i] = strings.ToLower(parts[i])
		}
	}
	return parsed(strings.Join(parts, "/"))
}

// assignment adds a role assignment once: the collector repeats what is inherited with
// each resource.
func (h *hound) assignment(a attrs) {
	props, _ := a["properties"].(map[string]any)
	p := attrs(props)
	principal, role := mivet.NewPrincipalID(p.str("principalId")), mivet.NewRoleID(p.str("roleDefinitionId"))
	if principal == "" || role == "" {
		return
	}
	id := parsed(a.str("id"))
	scope := parsed(p.str("scope"))
	if above := id.Parent(); above.Equal(scope) || scope.IsZero() {
		scope = above // as Azure spells it
	}
	if scope.IsZero() {
		h.gaps.tally(mivet.FactRoleAssignments, "role assignments without a scope that can be read", "", a.str("id"), h.src)
		return
	}
	key := id.Key() + "|" + scope.Key() + arm.Key("|"+string(principal)+"|"+string(role))
	if h.assignments[key] {
		return
	}
	h.assignments[key] = true
	// AzureHound keeps principal, role and scope of an assignment, and neither its condition
	// nor its description (BloodHoundAD/AzureHound models/azure, RoleAssignmentPropertiesWithScope).
	h.snap.RoleAssignments = append(h.snap.RoleAssignments, mivet.RoleAssignment{
		ID: id, Role: role, Principal: principal, Scope: scope, ConditionUnknown: true, DescriptionUnknown: true,
		PrincipalType: mivet.PrincipalType(p.str("principalType")), Source: h.src,
	})
}

// policy adds an access policy once: an item of its own repeats what the vault says.
func (h *hound) policy(p mivet.AccessPolicy) {
	key := policyKey{p.Vault.Key(), p.Principal, p.ApplicationID}
	if p.Principal == "" || p.Vault.IsZero() || h.policies[key] {
		return
	}
	h.policies[key] = true
	h.snap.AccessPolicies = append(h.snap.AccessPolicies, p)
}
