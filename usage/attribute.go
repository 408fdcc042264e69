// SPDX-License-Identifier: Apache-2.0

package usage

import (
	"cmp"
	"slices"
	"strings"

	"github.com/mivet/mivet"
	"github.com/mivet/mivet/arm"
)

// Workload is a part of an identity's use that one workload made.
type Workload struct {
	// Resource is the workload; Credential the federated credential that it signs in with.
	// Both are empty for use that cannot be attributed.
	Resource   string `json:"resource,omitzero"`
	Credential string `json:"credential,omitzero"`
	// Evidence says what it is attributed by, or why it is not.
	Evidence string `json:"evidence"`
	// Callers and Agents are the addresses and the clients that were seen, the busiest first.
	Callers []string `json:"callers,omitzero"`
	Agents  []string `json:"agents,omitzero"`
	Counts
}

// What use is attributed by.
const (
	byHost       = "the token was issued to it (claim xms_mirid)"
	byCredential = "it signed in with this federated credential"
	byAlone      = "it is the only workload that carries the identity"
	byAddress    = "no other workload was seen at this address, and a token issued to it was"
	byAgent      = "tokens of every workload were seen, and none but this one's with this client"
	byNothing    = "unattributed: several workloads may present the identity, and the entries name none"
	byNobody     = "unattributed: no workload that carries the identity is known"
	byTooMany    = "unattributed: more origins than are kept apart"
)

// Attribute tells which workloads an identity's operations came from, each with the
// evidence. What no evidence speaks for stays unattributed: it is never shared out.
func Attribute(index *mivet.Index, tenant *mivet.Snapshot, who mivet.PrincipalID, origins []Origin) []Workload {
	a := NewAttribution(index, tenant, who, origins)
	groups := map[[3]string]int{}
	var out []Workload
	for i := range origins {
		o := &origins[i]
		w := a.Of(o)
		key := [3]string{strings.ToLower(w.Resource), strings.ToLower(w.Credential), w.Evidence}
		at, ok := groups[key]
		if !ok {
			at = len(out)
			groups[key] = at
			out = append(out, w)
		}
		out[at].Merge(&o.Counts)
		out[at].Callers = appendNew(out[at].Callers, o.Caller)
		out[at].Agents = appendNew(out[at].Agents, o.Agent)
	}
	slices.SortStableFunc(out, func(a, b Workload) int {
		return cmp.Or(cmp.Compare(unattributed(&a), unattributed(&b)), cmp.Compare(b.Total(), a.Total()), strings.Compare(a.Resource, b.Resource))
	})
	return out
}

func unattributed(w *Workload) int {
	if w.Resource == "" && w.Credential == "" {
		return 1
	}
	return 0
}

func appendNew(list []string, s string) []string {
	if s == "" || slices.Contains(list, s) {
		return list
	}
	return append(list, s)
}

// Attribution knows by what the operations of an identity can be told apart.
type Attribution struct {
	own         string          // the identity's own resource, in lower case
	hosts       map[string]bool // what carries it
	credentials map[string]bool
	alone       string
	single      bool
	at          map[string]string // host by address; "" where several were seen
	with        map[string]string // host by client; "" where several were seen
	all         bool              // tokens of every workload were seen
}

// NewAttribution learns from all origins of an identity.
func NewAttribution(index *mivet.Index, tenant *mivet.Snapshot, who mivet.PrincipalID, origins []Origin) *Attribution {
	a := &Attribution{hosts: map[string]bool{}, credentials: map[string]bool{}, at: map[string]string{}, with: map[string]string{}}
	if identity := index.Identity(who); identity != nil {
		a.own = string(identity.Resource.Key())
		index.Carriers(identity, func(r *mivet.Resource) bool {
			a.hosts[string(r.ID.Key())] = true
			a.alone = r.ID.String()
			return true
		})
		for i := range tenant.FederatedCredentials {
			if c := &tenant.FederatedCredentials[i]; c.Identity.Equal(identity.Resource) {
				a.credentials[string(c.ID.Key())] = true
			}
		}
	}
	a.single = len(a.hosts) == 1 && len(a.credentials) == 0
	a.learn(origins)
	return a
}

// learn notes which addresses and clients tokens of a known host came from.
func (a *Attribution) learn(origins []Origin) {
	seen := map[string]bool{}
	note := func(by map[string]string, what, host string) {
		if what == "" {
			return
		}
		if other, ok := by[what]; ok && !strings.EqualFold(other, host) {
			by[what] = ""
			return
		}
		by[what] = host
	}
	for i := range origins {
		o := &origins[i]
		if !a.isHost(o.Host) {
			continue
		}
		seen[string(arm.Fold(o.Host))] = true
		note(a.at, o.Caller, o.Host)
		note(a.with, o.Agent, o.Host)
	}
	a.all = len(a.hosts) > 0 && len(a.credentials) == 0
	for host := range a.hosts {
		a.all = a.all && seen[host]
	}
}

// isHost reports whether a token's resource is a workload: tokens of a user-assigned
// identity name the identity itself.
func (a *Attribution) isHost(host string) bool {
	if host == "" {
		return false
	}
	key := string(arm.Fold(host))
	return a.hosts[key] || key != a.own && !strings.Contains(key, "/providers/microsoft.managedidentity/")
}

// Of tells which workload an origin is, with the evidence.
func (a *Attribution) Of(o *Origin) Workload {
	switch {
	case o.More:
		return Workload{Evidence: byTooMany}
	case a.isHost(o.Host):
		return Workload{Resource: o.Host, Evidence: byHost}
	case o.Credential != "":
		return Workload{Credential: o.Credential, Evidence: byCredential}
	case a.single:
		return Workload{Resource: a.alone, Evidence: byAlone}
	case o.Caller != "" && a.at[o.Caller] != "":
		return Workload{Resource: a.at[o.Caller], Evidence: byAddress}
	case o.Agent != "" && a.all && a.with[o.Agent] != "":
		return Workload{Resource: a.with[o.Agent], Evidence: byAgent}
	case len(a.hosts)+len(a.credentials) == 0:
		return Workload{Evidence: byNobody}
	}
	return Workload{Evidence: byNothing}
}
