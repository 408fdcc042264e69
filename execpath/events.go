// SPDX-License-Identifier: Apache-2.0

package execpath

import (
	"embed"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/mivet/mivet"
	"github.com/mivet/mivet/arm"
)

//go:embed data/events.tsv
var eventsFile embed.FS

// EventRow is an operation that changes what runs with an identity.
type EventRow struct {
	// Class is the sort of change: code, content, image, vm, identity, grant, keys, k8s, apps,
	// automation, template or blind.
	Class string
	// Log is where it is seen: "activity", "storage", "event-grid", or the category of a
	// resource log.
	Log string
	// Operation is its name there; "*" for any.
	Operation string
	// What says what changes.
	What string
}

// The classes that are told otherwise than by the resource that they are about.
const (
	classContent  = "content"
	classImage    = "image"
	classIdentity = "identity"
	classGrant    = "grant"
	classKeys     = "keys"
	classTemplate = "template"
	classBlind    = "blind"
)

var eventClasses = []string{
	"code", classContent, classImage, "vm", classIdentity, classGrant, classKeys, "k8s", "apps", "automation", classTemplate, classBlind,
}

// EventTable are the operations by log and name.
type EventTable struct {
	rows  []EventRow
	byKey map[string]int
}

// Events returns the embedded table. An error means that the program was built from damaged
// data.
func Events() (*EventTable, error) {
	text, err := eventsFile.ReadFile("data/events.tsv")
	if err != nil {
		return nil, fmt.Errorf("reading the table of events: %w", err)
	}
	return readEvents(string(text))
}

func readEvents(text string) (*EventTable, error) {
	t := &EventTable{byKey: map[string]int{}}
	n := 0
	for line := range strings.Lines(text) {
		n++
		if line = strings.TrimRight(line, "\r\n"); line == "" || line[0] == '#' {
			continue
		}
		f := strings.Split(line, "\t")
		if len(f) != 4 || slices.Contains(f, "") {
			return nil, fmt.Errorf("events.tsv:%d: it has not four columns", n)
		}
		if !slices.Contains(eventClasses, f[0]) {
			return nil, fmt.Errorf("events.tsv:%d: %q is no class of events", n, f[0])
		}
		k := eventKey(f[1], f[2])
		if _, twice := t.byKey[k]; twice {
			return nil, fmt.Errorf("events.tsv:%d: %s stands there twice", n, f[2])
		}
		t.byKey[k] = len(t.rows)
		t.rows = append(t.rows, EventRow{Class: f[0], Log: f[1], Operation: f[2], What: f[3]})
	}
	return t, nil
}

func eventKey(log, operation string) string { return strings.ToLower(log + "\x00" + operation) }

// Rows returns the rows. They belong to the table.
func (t *EventTable) Rows() []EventRow { return t.rows }

// Find returns the row of an operation in a log, or nil: it changes nothing of that kind.
func (t *EventTable) Find(log, operation string) *EventRow {
	for _, name := range []string{operation, "*"} {
		if i, ok := t.byKey[eventKey(log, name)]; ok {
			return &t.rows[i]
		}
	}
	return nil
}

// Event is one entry of a log.
type Event struct {
	At time.Time
	// Principal did it; ClientID is the application's where that alone is known. Both are
	// empty where an account key or nobody signed in.
	Principal mivet.PrincipalID
	ClientID  string
	Row       *EventRow
	// Scope is the resource that it was done to.
	Scope arm.ID
	// Refused is true where it was tried in vain.
	Refused bool
}

// Known says whether the rights in the snapshot explain a change.
type Known uint8

// The answers.
const (
	Unexplained Known = iota // no right of the snapshot lets the principal do that
	Explained                // the principal is a shaper of the workload, surely or possibly
	NotAsked                 // the change is about no workload, or nobody is named
)

// String returns the answer in words.
func (k Known) String() string { return [...]string{"unexplained", "explained", "not asked"}[k] }

// Change is what an event did to a workload. It marks the workload as dirty: what is true of
// it now is only known when it is read again.
type Change struct {
	Event
	// Workload is what runs otherwise; zero where the event is about none.
	Workload arm.ID
	// Identities are what it runs as, or the identity that the event is about.
	Identities []mivet.PrincipalID
	// Link is the content that the workload loads, where that changed.
	Link  *Link
	Known Known
}

// Watcher tells what events changed. It is not safe for concurrent use.
type Watcher struct {
	g       *Graph
	shapers map[arm.Key][]Shaper
	clients map[string]mivet.PrincipalID
}

// Watch returns a watcher of the graph's snapshot.
func (g *Graph) Watch() *Watcher {
	w := &Watcher{g: g, shapers: map[arm.Key][]Shaper{}, clients: map[string]mivet.PrincipalID{}}
	for i := range g.snap.Principals {
		if p := &g.snap.Principals[i]; p.ClientID != "" {
			w.clients[strings.ToLower(p.ClientID)] = p.ID
		}
	}
	return w
}

// Changes tells what an event changed: one change for each workload, or one without where
// none is concerned.
func (w *Watcher) Changes(e *Event) []Change {
	now := *e
	if now.Principal == "" {
		now.Principal = w.clients[strings.ToLower(now.ClientID)]
	}
	var out []Change
	switch e.Row.Class {
	case classContent, classImage:
		out = w.loaded(&now)
	case classIdentity:
		out = w.identity(&now)
	case classGrant:
		out = w.grant(&now)
	case classKeys, classTemplate, classBlind:
		out = w.hosted(&now)
	default:
		if out = w.hosted(&now); len(out) == 0 {
			out = w.loaded(&now)
		}
	}
	if len(out) == 0 {
		return []Change{{Event: now, Known: NotAsked}}
	}
	for i := range out {
		out[i].Known = w.known(&out[i])
	}
	return out
}

// hosted are the workloads that a resource is, or lies in; a swap changes a site and its
// slots.
func (w *Watcher) hosted(e *Event) []Change {
	for id := e.Scope; id.Level() == arm.LevelResource; id = id.Parent() {
		k, ok := w.g.byKey[id.Key()]
		if !ok || len(w.g.objects[k].runs) == 0 || w.g.objects[k].typ == typeOther || id.HasType(identityType) {
			continue
		}
		out := []Change{w.change(e, k, nil)}
		if strings.Contains(strings.ToLower(e.Row.Operation), "swap") || strings.Contains(strings.ToLower(e.Row.Operation), "applyslotconfig") {
			for i := range w.g.objects {
				if o := &w.g.objects[i]; len(o.runs) > 0 && o.id.HasType(slotType) && o.id.Parent().Equal(id) {
					out = append(out, w.change(e, int32(i), nil))
				}
			}
			if p, ok := w.g.byKey[id.Parent().Key()]; ok && id.HasType(slotType) {
				out = append(out, w.change(e, p, nil))
			}
		}
		return out
	}
	return nil
}

func (w *Watcher) change(e *Event, object int32, l *Link) Change {
	o := &w.g.objects[object]
	c := Change{Event: *e, Workload: o.id, Link: l}
	for _, p := range o.runs {
		c.Identities = append(c.Identities, w.g.principals[p])
	}
	return c
}

// loaded are the workloads that load what lies at the scope.
func (w *Watcher) loaded(e *Event) []Change {
	var out []Change
	for i := range w.g.links {
		l := &w.g.links[i]
		k, ok := w.g.byKey[l.Workload.Key()]
		if !ok || len(w.g.objects[k].runs) == 0 || !l.at(e.Scope) {
			continue
		}
		if !slices.ContainsFunc(out, func(c Change) bool { return c.Workload.Equal(l.Workload) }) {
			out = append(out, w.change(e, k, l))
		}
	}
	return out
}

// at reports whether what lies at a scope may be what the link names: the account, the
// container, or a blob in it of the name that the URL ends with.
func (l *Link) at(scope arm.ID) bool {
	if scope.Contains(l.Content) {
		return true
	}
	if !l.Content.Contains(scope) {
		return false
	}
	if typ := strings.ToLower(scope.Type()); strings.HasSuffix(typ, "/blobs") && l.Kind == LinkPackage {
		name := scope.Name()
		return !strings.Contains(l.Value, "://") || strings.HasSuffix(strings.ToLower(l.Value), "/"+strings.ToLower(name)) || !strings.Contains(lastSegment(l.Value), ".")
	}
	return true
}

func lastSegment(s string) string { return s[strings.LastIndexByte(s, '/')+1:] }

// identity are the workloads that carry the identity that the event is about.
func (w *Watcher) identity(e *Event) []Change {
	id := e.Scope
	for id.Level() == arm.LevelResource && !id.HasType(identityType) {
		id = id.Parent()
	}
	k, ok := w.g.byKey[id.Key()]
	if !ok || len(w.g.objects[k].own) == 0 {
		return nil
	}
	p := w.g.objects[k].own[0]
	var out []Change
	for _, c := range w.g.carriers[p] {
		if o := &w.g.objects[c]; c != k && slices.Contains(o.runs, p) {
			x := w.change(e, c, nil)
			x.Identities = []mivet.PrincipalID{w.g.principals[p]}
			out = append(out, x)
		}
	}
	if len(out) == 0 {
		return []Change{{Event: *e, Identities: []mivet.PrincipalID{w.g.principals[p]}}}
	}
	return out
}

// grant is the principal whose role assignment the event is about, as far as the snapshot
// holds it.
func (w *Watcher) grant(e *Event) []Change {
	for i := range w.g.snap.RoleAssignments {
		a := &w.g.snap.RoleAssignments[i]
		if a.ID.Equal(e.Scope) && !a.ID.IsZero() {
			return []Change{{Event: *e, Identities: []mivet.PrincipalID{a.Principal}}}
		}
	}
	return nil
}

// known says whether the one who did it is a shaper of the workload.
func (w *Watcher) known(c *Change) Known {
	if c.Workload.IsZero() || c.Principal == "" {
		return NotAsked
	}
	list, ok := w.shapers[c.Workload.Key()]
	if !ok {
		list = w.g.ShapersOf(c.Workload)
		w.shapers[c.Workload.Key()] = list
	}
	if slices.ContainsFunc(list, func(s Shaper) bool { return s.Principal == c.Principal }) {
		return Explained
	}
	return Unexplained
}
