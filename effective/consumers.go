// SPDX-License-Identifier: Apache-2.0

package effective

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/mivet/mivet"
	"github.com/mivet/mivet/arm"
)

// Status is how a consumer stands.
type Status string

// The statuses.
const (
	Presents  Status = "presents"   // it presents that identity
	Wrong     Status = "wrong"      // what is selected cannot work
	NoneUsed  Status = "none"       // it uses no identity
	Ambiguous Status = "ambiguous"  // it hangs on the code
	NotRead   Status = "not read"   // the setting that decides was not read
	AsWritten Status = "as written" // the value is told; what it does is not known
)

// Consumer is something of a resource that uses an identity.
type Consumer struct {
	// Use is what for, such as "all Key Vault references".
	Use    string `json:"use"`
	Status Status `json:"status"`
	// Identity is what it presents.
	Identity *Presented `json:"identity,omitzero"`
	// Path and Value are the selector as it is written.
	Path  string `json:"path,omitzero"`
	Value string `json:"value,omitzero"`
	Kind  Kind   `json:"kind,omitzero"`
	// Meant is what the selector would have to hold for the identity whose other ID it holds.
	Meant string `json:"meant,omitzero"`
	// Why says how that follows, a clause without a full stop.
	Why string `json:"why"`
	// Effect is what a wrong value leads to.
	Effect string `json:"effect,omitzero"`
	// Possible are the answers of code whose library is not known.
	Possible []Possibility `json:"possible,omitzero"`
	// Changes are the single events after which it presents something else.
	Changes []Change `json:"changes,omitzero"`
	// Source is where the selector is described.
	Source string `json:"source,omitzero"`
}

// Carrier is a resource with what is attached to it.
type Carrier struct {
	Resource *mivet.Resource
	// System is nil where there is no system-assigned identity.
	System *ManagedIdentity
	User   []ManagedIdentity
	// Container is the one of several containers that is meant, as the path of its
	// properties; empty for all.
	Container string
}

// NewCarrier finds the identities that a resource carries.
func NewCarrier(x *mivet.Index, r *mivet.Resource) *Carrier {
	w := &Carrier{Resource: r}
	carrier := r
	for carrier.Identity == nil && !carrier.ID.Parent().IsZero() {
		parent := x.Resource(carrier.ID.Parent())
		if parent == nil {
			break
		}
		carrier = parent // an event subscription uses the identities of its topic
	}
	a := carrier.Identity
	if a == nil {
		return w
	}
	if a.System {
		w.System = &ManagedIdentity{Name: carrier.ID.Name(), Principal: a.SystemPrincipal}
		if p := x.Principal(a.SystemPrincipal); p != nil {
			w.System.ClientID = p.ClientID
		}
	}
	for _, id := range a.User {
		m := ManagedIdentity{Name: id.Name(), Resource: id.String()}
		if known := x.UserAssigned(id); known != nil {
			m.ClientID, m.Principal = known.ClientID, known.Principal
		}
		w.User = append(w.User, m)
	}
	slices.SortFunc(w.User, func(a, b ManagedIdentity) int { return strings.Compare(a.Resource, b.Resource) })
	return w
}

// Consumers lists what of a resource uses an identity, the code first.
func (w *Carrier) Consumers(sdk, version string) ([]Consumer, error) {
	var out []Consumer
	for _, one := range w.Containers() {
		code, err := one.code(sdk, version)
		if err != nil {
			return nil, err
		}
		if code != nil {
			out = append(out, *code)
		}
	}
	if arm.Fold(w.Resource.ID.Type()) == "microsoft.containerservice/managedclusters" {
		out = append(out, w.byDefault("the control plane: load balancers, disks, routes"))
	}
	selections, err := w.Selections()
	return append(out, selections...), err
}

// Selections lists the uses that a property of the resource selects an identity for.
func (w *Carrier) Selections() ([]Consumer, error) {
	selectors, err := Selectors(w.Resource.ID.Type())
	if err != nil {
		return nil, err
	}
	var out []Consumer
	for _, s := range selectors {
		out = append(out, w.selected(s)...)
	}
	return out, nil
}

// byDefault is a use of the resource's own identity that nothing selects.
func (w *Carrier) byDefault(use string) Consumer {
	c := Consumer{Use: use, Source: "MicrosoftDocs/azure-aks-docs@fb060abe6 articles/aks/managed-identity-overview.md"}
	switch {
	case w.System != nil:
		c.Status, c.Identity, c.Why = Presents, system(w.System), "it is the identity of the resource itself"
	case len(w.User) == 1:
		c.Status, c.Identity, c.Why = Presents, user(&w.User[0]), "it is the only identity of the resource"
	default:
		c.Status, c.Why = NoneUsed, "the resource carries no identity"
	}
	return c
}

func system(m *ManagedIdentity) *Presented { return &Presented{SystemAssigned, *m} }
func user(m *ManagedIdentity) *Presented   { return &Presented{UserAssigned, *m} }

// selected returns the uses of one selector: one for each property that matches.
func (w *Carrier) selected(s *Selector) []Consumer {
	var out []Consumer
	settings := map[string]string{}
	if w.Resource.Detail != nil {
		settings = w.Resource.Detail.Settings
	}
	for _, path := range slices.Sorted(maps.Keys(settings)) {
		if s.matches(path) {
			out = append(out, w.resolve(s, path, settings[path]))
		}
	}
	// Of the others a system-assigned identity is used without a word; what is not there of
	// the variables of code is not set.
	if len(out) > 0 || s.Default != "system" || strings.ContainsAny(s.Path, "[*") || strings.HasPrefix(s.Path, settingPaths[0]) {
		return out
	}
	return []Consumer{{Use: s.Use, Status: NotRead, Path: s.Path, Kind: s.Kind, Source: s.Source, Why: "the property was not read; " + w.defaultWords(s)}}
}

// defaultWords says what holds where nothing is selected.
func (w *Carrier) defaultWords(s *Selector) string {
	switch s.Default {
	case "system":
		if w.System == nil {
			return "where it is not set, the system-assigned identity is used, which the resource does not have"
		}
		return "where it is not set, the system-assigned identity is used"
	case "platform":
		return "where it is not set, Azure uses an identity of its own"
	}
	return "where it is not set, no identity is used"
}

// unset reports whether a value that was read selects nothing.
func unset(value string) bool { return value == "" || value == "null" }

// resolve says which identity a selector leads to.
func (w *Carrier) resolve(s *Selector, path, value string) Consumer {
	c := Consumer{Use: s.Use, Path: path, Value: value, Kind: s.Kind, Source: s.Source}
	if c.Use == "" {
		c.Use = path
	}
	if other, wanted := s.needed(path); other != "" && !w.set(other, wanted) {
		c.Status, c.Why = NoneUsed, "it has no effect without "+other+" = "+wanted
		return c
	}
	switch {
	case unset(value):
		w.resolveDefault(&c, s)
	case s.Kind == KindOutput:
		c.Status, c.Why = Presents, "Azure reports it"
		c.Identity = &Presented{UserAssigned, ManagedIdentity{Name: lastElement(value), Resource: value}}
	case s.Kind == KindMode, s.Kind == KindSwitch, s.Kind == KindName, s.Kind == KindApplication:
		c.Status, c.Why = AsWritten, "the value decides how it signs in"
	case s.Kind == KindResource && keyword(value) == "system":
		w.resolveSystem(&c, s)
	case s.Kind == KindResource && keyword(value) == "platform":
		c.Status, c.Why = NoneUsed, "Azure uses an identity of its own"
	case s.Kind == KindClient && arm.Fold(value) == "system":
		w.resolveSystem(&c, s)
	default:
		w.resolveValue(&c, s, strings.TrimPrefix(value, "UserAssignedIdentity="))
	}
	if c.Status != Wrong {
		c.Effect = ""
	}
	return c
}

// set reports whether a property has a value, or was not read, so that it may have it.
func (w *Carrier) set(path, value string) bool {
	for p, v := range w.Resource.Detail.Settings {
		if arm.Fold(p) == arm.Fold(path) {
			return arm.Fold(v) == arm.Fold(value)
		}
	}
	// Of variables that were read, one that is not there is not set.
	return !strings.HasPrefix(path, settingPaths[0])
}

func lastElement(id string) string { return id[strings.LastIndexByte(id, '/')+1:] }

// keyword says what a word in the place of a resource ID stands for.
func keyword(value string) string {
	switch arm.Fold(value) {
	case "system", "systemassigned", "systemassignedidentity":
		return "system"
	case "firstpartyidentity":
		return "platform"
	}
	return ""
}

func (w *Carrier) resolveDefault(c *Consumer, s *Selector) {
	switch {
	case s.Default == "system":
		w.resolveSystem(c, s)
		if c.Status == Presents {
			c.Why = "nothing is selected, so it is the system-assigned identity"
		}
	case !s.Curated():
		c.Status, c.Why = AsWritten, "nothing is selected; what holds then is not known"
	default:
		c.Status, c.Why = NoneUsed, "nothing is selected; "+w.defaultWords(s)
	}
}

func (w *Carrier) resolveSystem(c *Consumer, s *Selector) {
	if w.System == nil {
		c.Status, c.Why, c.Effect = Wrong, "it needs the system-assigned identity, and the resource has none", s.Wrong
		if s.Default == "system" {
			// A default is no mistake: it matters only where the use exists. Azure and Terraform
			// write it out where nobody chose it (key_vault_reference_identity_id in
			// hashicorp/terraform-provider-azurerm is computed).
			c.Status, c.Why = NoneUsed, "nothing is selected, and the resource does not have the system-assigned identity that is the default"
		}
		return
	}
	c.Status, c.Identity, c.Why = Presents, system(w.System), "the system-assigned identity is selected"
}

// resolveValue finds the identity that an ID names, and tells IDs of the wrong kind.
func (w *Carrier) resolveValue(c *Consumer, s *Selector, value string) {
	wants := map[Kind]string{KindResource: "resource", KindClient: "client", KindPrincipal: "object"}[s.Kind]
	h := &Host{System: w.System, User: w.User}
	for _, kind := range []string{wants, "resource", "client", "object"} {
		m := h.find(selector{kind, value})
		switch {
		case m == nil:
			continue
		case kind != wants:
			c.Status, c.Effect = Wrong, s.Wrong
			c.Why = fmt.Sprintf("it holds the %s ID of %s, and wants the %s ID", idWord(kind), m.Name, idWord(wants))
			c.Meant = map[string]string{"resource": m.Resource, "client": m.ClientID, "object": string(m.Principal)}[wants]
			return
		}
		c.Status, c.Why = Presents, "it is selected by its "+idWord(kind)+" ID"
		c.Identity = user(m)
		if m == w.System {
			c.Identity = system(m)
		}
		return
	}
	c.Effect = s.Wrong
	isID := strings.HasPrefix(value, "/")
	switch {
	case s.Kind == KindResource && !isID, s.Kind != KindResource && isID:
		c.Status, c.Why = Wrong, fmt.Sprintf("%q is no %s ID", value, idWord(wants))
	case s.Kind != KindResource && w.idsMissing(wants):
		c.Status, c.Why = NotRead, "the "+idWord(wants)+" IDs of the attached identities are not known"
	default:
		c.Status, c.Why = Wrong, "no attached identity has that "+idWord(wants)+" ID"
	}
}

func idWord(kind string) string {
	if kind == "object" {
		return "principal"
	}
	return kind
}

// idsMissing reports whether an attached identity has no such ID that is known.
func (w *Carrier) idsMissing(kind string) bool {
	all := slices.Clone(w.User)
	if w.System != nil {
		all = append(all, *w.System)
	}
	return slices.ContainsFunc(all, func(m ManagedIdentity) bool {
		return kind == "client" && m.ClientID == "" || kind == "object" && m.Principal == ""
	})
}
