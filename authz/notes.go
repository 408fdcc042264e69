// SPDX-License-Identifier: Apache-2.0

package authz

import (
	"strings"

	"github.com/mivet/mivet"
	"github.com/mivet/mivet/arm"
)

// NoteKind is the sort of layer that a [Note] speaks of.
type NoteKind uint8

// The layers beside authorization. None is ever part of an effect.
const (
	NoteNetwork    NoteKind = iota // the network may refuse what roles allow
	NoteLock                       // a lock refuses what roles allow
	NoteAnonymous                  // nobody needs to sign in
	NoteKubernetes                 // Kubernetes' own roles may permit more
)

var noteNames = [...]string{"network", "lock", "anonymous access", "kubernetes"}

// String returns the layer in words.
func (k NoteKind) String() string {
	if int(k) < len(noteNames) {
		return noteNames[k]
	}
	return "invalid"
}

// MarshalText returns the layer in words.
func (k NoteKind) MarshalText() ([]byte, error) { return []byte(k.String()), nil }

// Note says that something beside authorization bears on a request: a firewall, a lock,
// access without signing in. The effect of an answer does not depend on it.
type Note struct {
	Kind NoteKind
	// Text says it in a sentence without a full stop.
	Text string
	// Resource is the resource whose Setting it is, or the scope of the Lock.
	Resource arm.ID
	// Setting is the property and its value, for notes that rest on one.
	Setting string
	// Lock is the lock, for notes about one.
	Lock   *mivet.Lock
	Source mivet.Source
}

// settingNote is a setting that bears on requests for data.
type settingNote struct {
	kind    NoteKind
	setting string
	value   string // folded
	types   string // the folded resource type, or its end; "" for any
	text    string
}

// settingNotes is the table. Properties are those of Azure/bicep-types-az; what they do:
// MicrosoftDocs/azure-docs articles/storage/common/storage-network-security.md,
// MicrosoftDocs/azure-security-docs articles/key-vault/general/network-security.md,
// MicrosoftDocs/azure-management-docs articles/container-registry/anonymous-pull-access.md,
// MicrosoftDocs/azure-aks-docs articles/aks/private-clusters.md and entra-id-authorization.md.
var settingNotes = []settingNote{
	{NoteNetwork, "publicNetworkAccess", "disabled", "", "the network may refuse it: only private endpoints are let in"},
	{NoteNetwork, "publicNetworkAccess", "securedbyperimeter", "", "the network may refuse it: a network security perimeter decides who is let in"},
	{NoteNetwork, "networkAcls.defaultAction", "deny", "", "the network may refuse it: only listed networks and addresses are let in"},
	{NoteNetwork, "networkRuleSet.defaultAction", "deny", "", "the network may refuse it: only listed networks and addresses are let in"},
	{NoteNetwork, "isVirtualNetworkFilterEnabled", "true", "", "the network may refuse it: only listed networks and addresses are let in"},
	{NoteNetwork, "apiServerAccessProfile.enablePrivateCluster", "true", "", "the network may refuse it: the API server has a private address alone"},
	{NoteAnonymous, "anonymousPullEnabled", "true", "microsoft.containerregistry/registries", "anybody can pull images without signing in"},
	{NoteAnonymous, "publicAccess", "blob", "/blobservices/containers", "anybody can read blobs of the container without signing in"},
	{NoteAnonymous, "publicAccess", "container", "/blobservices/containers", "anybody can read and list the container without signing in"},
	{NoteKubernetes, azureRBAC, "true", "", "Kubernetes' own role bindings may permit it beside Azure's roles"},
}

// notes are the layers beside authorization that bear on a question.
func (q *question) notes() []Note {
	if q.plane == mivet.PlaneData || q.row.modelled(q.plane) {
		return q.settingNotes()
	}
	return q.lockNotes()
}

func (q *question) settingNotes() []Note {
	var out []Note
	for id := q.resource; id.Level() == arm.LevelResource; id = id.Parent() {
		r := q.e.settings()[id.Key()]
		if r == nil {
			continue
		}
		for i := range settingNotes {
			n := &settingNotes[i]
			v, ok := r.Setting(n.setting)
			if !ok || string(arm.Fold(v)) != n.value || !strings.HasSuffix(string(arm.Fold(id.Type())), n.types) || q.closedToAnonymous(n, id) {
				continue
			}
			out = append(out, Note{Kind: n.kind, Text: n.text, Resource: r.ID, Setting: n.setting + " = " + v, Source: r.Source})
		}
	}
	return out
}

// closedToAnonymous reports whether an account forbids what one of its containers permits.
func (q *question) closedToAnonymous(n *settingNote, id arm.ID) bool {
	if n.setting != "publicAccess" {
		return false
	}
	account := q.e.settings()[ancestorOf(id, storageType).Key()]
	if account == nil {
		return false
	}
	v, _ := account.Setting("allowBlobPublicAccess")
	return v == "false"
}

// The levels of locks (MicrosoftDocs/azure-docs
// articles/azure-resource-manager/management/lock-resources.md). They bear on the control
// plane alone. ReadOnly refuses every request that is not a read, among them those that
// list keys, because they are POST requests.
const (
	lockReadOnly     = "readonly"
	lockCannotDelete = "cannotdelete"
)

// lockNotes are the locks at, above and, for a deletion, below the resource. Locks do not
// stop principals of a managing tenant
// (MicrosoftDocs/azure-docs articles/lighthouse/concepts/cross-tenant-management-experience.md).
func (q *question) lockNotes() []Note {
	op := string(q.row.op.Key())
	if strings.HasSuffix(op, "/read") || q.isDelegated() {
		return nil
	}
	deletes := strings.HasSuffix(op, "/delete")
	var out []Note
	for i := range q.e.snap.Locks {
		l := &q.e.snap.Locks[i]
		level := string(arm.Fold(l.Level))
		above := l.Scope.Contains(q.resource)
		below := deletes && q.resource.Contains(l.Scope) && q.resource.Level() != arm.LevelRoot
		switch {
		case !above && !below:
		case level == lockReadOnly && above:
			out = append(out, lockNote(l, "a lock refuses it whatever roles allow: "+l.Scope.String()+" can only be read"))
		case deletes && (level == lockCannotDelete || level == lockReadOnly):
			out = append(out, lockNote(l, "a lock refuses it whatever roles allow: "+l.Scope.String()+" cannot be deleted"))
		}
	}
	for i := range q.e.snap.Gaps {
		if g := &q.e.snap.Gaps[i]; g.Facts == mivet.FactLocks && (g.Scope.IsZero() || g.Scope.Contains(q.resource)) {
			out = append(out, Note{Kind: NoteLock, Text: "a lock may refuse it: " + missingOf(g).What, Resource: g.Scope, Source: g.Source})
		}
	}
	return out
}

func lockNote(l *mivet.Lock, text string) Note {
	return Note{Kind: NoteLock, Text: text, Resource: l.Scope, Lock: l, Source: l.Source}
}

// isDelegated reports whether the caller is one of another tenant, to whom something at
// or above the resource is delegated.
func (q *question) isDelegated() bool {
	for i := -1; i < len(q.groups); i++ {
		for _, s := range q.subjects(i) {
			for _, g := range q.e.grants.of(s) {
				if g.class() == classDelegated && g.covers(q.node) {
					return true
				}
			}
		}
	}
	return false
}

// settings returns the resources of which settings were read, by their IDs. The index is
// made when it is first asked for, since checks do not need it.
func (e *Engine) settings() map[arm.Key]*mivet.Resource {
	e.settingsOnce.Do(func() {
		e.settingsIndex = map[arm.Key]*mivet.Resource{}
		for i := range e.snap.Resources {
			if r := &e.snap.Resources[i]; r.Detail != nil && len(r.Detail.Settings) > 0 {
				e.settingsIndex[r.ID.Key()] = r
			}
		}
	})
	return e.settingsIndex
}
