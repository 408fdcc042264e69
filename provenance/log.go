// SPDX-License-Identifier: Apache-2.0

package provenance

import (
	"cmp"
	"slices"
	"strings"
	"time"

	"github.com/mivet/mivet"
	"github.com/mivet/mivet/arm"
	"github.com/mivet/mivet/logs"
)

// Types of resources whose writes are understood.
const (
	typeAssignment = "Microsoft.Authorization/roleAssignments"
	typeSchedule   = "Microsoft.Authorization/roleAssignmentScheduleRequests"
	typeIdentity   = "Microsoft.ManagedIdentity/userAssignedIdentities"
	typeDeployment = "Microsoft.Resources/deployments"
	typeStack      = "Microsoft.Resources/deploymentStacks"
	typeRole       = "Microsoft.Authorization/roleDefinitions"
)

// Caller is who made a call, as far as the log tells.
type Caller struct {
	// ID is the object id; App the application through which the call was made.
	ID  mivet.PrincipalID `json:"id,omitzero"`
	App string            `json:"app,omitzero"`
	// Name is the user principal name, or the name in the claims.
	Name    string `json:"name,omitzero"`
	Address string `json:"address,omitzero"`
}

// IsZero reports whether nobody is named.
func (c Caller) IsZero() bool { return c.ID == "" && c.App == "" && c.Name == "" }

// Record is one call that the activity log tells, put together from its entries.
type Record struct {
	// At is when it began, Ended the time of its last entry.
	At    time.Time `json:"at"`
	Ended time.Time `json:"ended"`

	Operation string     `json:"operation"`
	Target    arm.ID     `json:"target"`
	By        Caller     `json:"by"`
	Stage     logs.Stage `json:"-"`
	// Code is the status of the answer as written.
	Code        string       `json:"code,omitzero"`
	Correlation string       `json:"correlation,omitzero"`
	Source      mivet.Source `json:"source"`

	// Grant is the role assignment that a body tells of; nil where none does.
	Grant *mivet.RoleAssignment `json:"grant,omitzero"`
	// Attached is the identity block of the resource in a body; nil where none is told.
	Attached *mivet.Attachment `json:"attached,omitzero"`
	// Outputs are the resources that a deployment says it wrote.
	Outputs []arm.ID `json:"outputs,omitzero"`
}

// Done reports whether the call is known to have succeeded.
func (r *Record) Done() bool { return r.Stage == logs.Succeeded }

func (r *Record) is(verb string, types ...string) bool {
	return slices.ContainsFunc(types, func(t string) bool { return strings.EqualFold(r.Operation, t+"/"+verb) })
}

// recordKey is what the entries of one call have in common.
type recordKey struct {
	operation, target arm.Key
	correlation       string
}

// Span is the time from the first entry to the last one.
type Span struct {
	First time.Time `json:"first,omitzero"`
	Last  time.Time `json:"last,omitzero"`
}

// Holds reports whether a time lies between.
func (s Span) Holds(t time.Time) bool {
	return !s.First.IsZero() && !t.Before(s.First) && !t.After(s.Last)
}

func (s *Span) add(t time.Time) {
	if t.IsZero() {
		return
	}
	if s.First.IsZero() || t.Before(s.First) {
		s.First = t
	}
	if t.After(s.Last) {
		s.Last = t
	}
}

// Log collects what the activity log tells of grants, identities, deployments and the
// resources that carry identities. Other entries leave only their time. The order in which
// entries come does not matter. One goroutine fills it.
type Log struct {
	snap    *mivet.Snapshot
	index   *mivet.Index
	spelled map[arm.Key]arm.ID // scopes as the snapshot writes them
	wanted  map[arm.Key]bool   // resources whose writes are kept

	byKey  map[recordKey]*Record
	loose  []*Record // of no correlation
	spans  map[arm.Key]*Span
	Faults int // entries whose details could not be read

	settled     []*Record
	byTarget    map[arm.Key][]*Record
	byGrant     map[string][]*Record
	byResource  map[arm.Key][]*Record // of what carries identities, and of what lies below
	deployments map[arm.Key][]*Record // by the scope that they were made in
	groups      map[mivet.PrincipalID][]mivet.PrincipalID
}

// NewLog returns an empty log for the resources of a snapshot.
func NewLog(s *mivet.Snapshot) *Log {
	l := &Log{
		snap: s, index: mivet.NewIndex(s), spelled: map[arm.Key]arm.ID{}, wanted: map[arm.Key]bool{},
		byKey: map[recordKey]*Record{}, spans: map[arm.Key]*Span{}, groups: map[mivet.PrincipalID][]mivet.PrincipalID{},
	}
	for i := range s.Resources {
		r := &s.Resources[i]
		l.spelled[r.ID.Key()] = r.ID
		if r.Identity != nil {
			l.wanted[r.ID.Key()] = true
		}
	}
	for i := range s.Identities {
		l.wanted[s.Identities[i].Resource.Key()] = true
	}
	for i := range s.Subscriptions {
		l.spelled[s.Subscriptions[i].ID.Key()] = s.Subscriptions[i].ID
	}
	for i := range s.ManagementGroups {
		l.spelled[s.ManagementGroups[i].ID.Key()] = s.ManagementGroups[i].ID
	}
	for i := range s.RoleAssignments {
		l.spelled[s.RoleAssignments[i].Scope.Key()] = s.RoleAssignments[i].Scope
	}
	for i := range s.Memberships {
		m := &s.Memberships[i]
		l.groups[m.Member] = append(l.groups[m.Member], m.Group)
	}
	return l
}

// Groups lists the groups of a principal, through others too, in order.
func (l *Log) Groups(who mivet.PrincipalID) []mivet.PrincipalID {
	in := map[mivet.PrincipalID]bool{who: true}
	var out []mivet.PrincipalID
	for queue := l.groups[who]; len(queue) > 0; {
		var next []mivet.PrincipalID
		for _, g := range queue {
			if !in[g] {
				in[g] = true
				out = append(out, g)
				next = append(next, l.groups[g]...)
			}
		}
		queue = next
	}
	slices.Sort(out)
	return out
}

// Spelled writes a scope as the snapshot does; exports often have it in capitals.
func (l *Log) Spelled(id arm.ID) arm.ID {
	for at := id; at.Level() > arm.LevelRoot; at = at.Parent() {
		if known, ok := l.spelled[at.Key()]; ok {
			rest := id.String()[len(at.String()):]
			if full, err := arm.ParseID(known.String() + rest); err == nil {
				return full
			}
			break
		}
	}
	return id
}

// spelledTarget writes the name of an assignment as Resource Manager does, too.
func (l *Log) spelledTarget(id arm.ID) arm.ID {
	if id.HasType(typeAssignment) {
		if out, err := arm.ParseID(strings.TrimSuffix(l.Spelled(id.Parent()).String(), "/") + "/providers/" + typeAssignment + "/" + strings.ToLower(id.Name())); err == nil {
			return out
		}
	}
	return l.Spelled(id)
}

// Add takes an entry of any log, its JSON text and the place it was read from. Nothing of
// the entry's memory is kept.
func (l *Log) Add(e *logs.Entry, text []byte, at mivet.Source) {
	if e.Log != logs.Activity {
		return
	}
	target, ok := targetOf(e)
	if sub := target.Subscription(); ok && !sub.IsZero() {
		l.span(sub.Key()).add(e.Time)
	}
	if !l.interesting(e, target) {
		return
	}
	d, err := logs.ReadDetail(text)
	if err != nil {
		l.Faults++
		return
	}
	if id, err := arm.ParseID(d.Target); err == nil && id.Equal(target) {
		target = id // as the caller wrote it
	}
	l.put(l.record(e, d, target, at))
}

// span returns the time of a subscription's entries.
func (l *Log) span(sub arm.Key) *Span {
	s := l.spans[sub]
	if s == nil {
		s = &Span{}
		l.spans[sub] = s
	}
	return s
}

// Span returns from when to when there are entries of a scope's subscription. For scopes
// above subscriptions, whose entries no export of a subscription holds, it is zero.
func (l *Log) Span(scope arm.ID) Span {
	if s := l.spans[scope.Subscription().Key()]; s != nil {
		return *s
	}
	return Span{}
}

// targetOf is the resource that an entry is about.
func targetOf(e *logs.Entry) (arm.ID, bool) {
	for _, text := range [][]byte{e.Resource, e.Scope} {
		if id, err := arm.ParseID(string(text)); err == nil && id.Level() > arm.LevelRoot {
			if other, err := arm.ParseID(string(e.Scope)); err == nil && id.Contains(other) && other.HasType(typeAssignment) {
				return other, true // the API names the scope of the grant as the resource
			}
			return id, true
		}
	}
	return arm.ID{}, false
}

// operationOf is the operation that was asked for. A title such as "Create role assignment"
// stands in the place of the name in some forms; the right names it then.
func operationOf(e *logs.Entry) string {
	if strings.EqualFold(string(e.Operation), string(e.Action)) {
		return string(e.Action) // in its usual letter case
	}
	if op, err := arm.ParseOperation(string(e.Operation)); err == nil && strings.Contains(op.Provider(), ".") {
		return op.String()
	}
	return string(e.Action)
}

// interesting reports whether an entry tells of a call that is kept.
func (l *Log) interesting(e *logs.Entry, target arm.ID) bool {
	op := strings.ToLower(operationOf(e))
	i := strings.LastIndexByte(op, '/')
	if i < 0 {
		return false
	}
	switch verb := op[i+1:]; verb {
	case "write", "delete", "action":
	default:
		return false
	}
	for _, t := range []string{typeAssignment, typeSchedule, typeIdentity, typeDeployment, typeStack, typeRole} {
		if strings.EqualFold(op[:i], t) {
			return true
		}
	}
	for id := target; id.Level() == arm.LevelResource; id = id.Parent() {
		if l.wanted[id.Key()] {
			return true
		}
	}
	return false
}

// record makes a record of one entry.
func (l *Log) record(e *logs.Entry, d *logs.Detail, target arm.ID, at mivet.Source) *Record {
	r := &Record{
		At: e.Time, Ended: e.Time, Operation: operationOf(e), Target: l.spelledTarget(target), Stage: d.Stage, Code: d.Code,
		Correlation: strings.ToLower(string(e.Correlation)), Source: at,
		By: Caller{ID: mivet.NewPrincipalID(string(e.Principal)), App: strings.ToLower(string(e.AppID)), Name: d.Caller, Address: string(e.Caller)},
	}
	if mivet.IsGUID(r.By.Name) || r.By.Name == "" {
		r.By.Name = d.Name
	}
	l.read(r, d)
	return r
}

// put joins a record with the others of its call.
func (l *Log) put(r *Record) {
	l.settled = nil
	k := recordKey{arm.Fold(r.Operation), r.Target.Key(), r.Correlation}
	if k.correlation == "" {
		l.loose = append(l.loose, r)
		return
	}
	if have := l.byKey[k]; have != nil {
		have.join(r)
		return
	}
	l.byKey[k] = r
}

// rank orders stages by what they say of the outcome: a call that was tried again and came
// through has succeeded.
func rank(s logs.Stage) int {
	return [...]int{logs.StageUnknown: 0, logs.Begun: 1, logs.Failed: 2, logs.Succeeded: 3}[s]
}

// join adds another entry of the same call.
func (r *Record) join(o *Record) {
	if rank(o.Stage) > rank(r.Stage) {
		r.Stage, r.Code, r.Source = o.Stage, o.Code, o.Source
	}
	if o.At.Before(r.At) {
		r.At = o.At
	}
	if o.Ended.After(r.Ended) {
		r.Ended = o.Ended
	}
	r.By.ID, r.By.App = cmp.Or(r.By.ID, o.By.ID), cmp.Or(r.By.App, o.By.App)
	r.By.Name, r.By.Address = cmp.Or(r.By.Name, o.By.Name), cmp.Or(r.By.Address, o.By.Address)
	if r.Grant == nil {
		r.Grant = o.Grant
	} else if o.Grant != nil {
		joinGrant(r.Grant, o.Grant)
	}
	if r.Attached == nil {
		r.Attached = o.Attached
	}
	if len(r.Outputs) == 0 {
		r.Outputs = o.Outputs
	}
}

// Records returns all calls in order of time. They belong to the log.
func (l *Log) Records() []*Record {
	if l.settled != nil {
		return l.settled
	}
	out := slices.Clone(l.loose)
	for _, r := range l.byKey {
		out = append(out, r)
	}
	slices.SortFunc(out, func(a, b *Record) int {
		return cmp.Or(a.At.Compare(b.At), a.Ended.Compare(b.Ended), strings.Compare(string(a.Target.Key()), string(b.Target.Key())),
			strings.Compare(strings.ToLower(a.Operation), strings.ToLower(b.Operation)), strings.Compare(a.Source.String(), b.Source.String()))
	})
	l.settled = out
	l.order()
	return out
}

// order finds records by what they are about.
func (l *Log) order() {
	l.byTarget, l.byGrant, l.byResource, l.deployments = map[arm.Key][]*Record{}, map[string][]*Record{}, map[arm.Key][]*Record{}, map[arm.Key][]*Record{}
	for _, r := range l.settled {
		k := r.Target.Key()
		l.byTarget[k] = append(l.byTarget[k], r)
		if r.Grant != nil {
			l.byGrant[grantKey(r.Grant)] = append(l.byGrant[grantKey(r.Grant)], r)
		}
		if r.is("write", typeDeployment, typeStack) {
			scope := r.Target.Parent().Key()
			l.deployments[scope] = append(l.deployments[scope], r)
		}
		for id := r.Target; id.Level() == arm.LevelResource; id = id.Parent() {
			if l.wanted[id.Key()] {
				l.byResource[id.Key()] = append(l.byResource[id.Key()], r)
				if !strings.Contains(strings.ToLower(r.Operation), "swap") {
					break // a slot is a workload of its own; a swap changes both
				}
			}
		}
	}
}
