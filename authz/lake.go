// SPDX-License-Identifier: Apache-2.0

package authz

import (
	"slices"
	"strings"

	"github.com/mivet/mivet"
	"github.com/mivet/mivet/abac"
	"github.com/mivet/mivet/arm"
)

const (
	storageType   = "Microsoft.Storage/storageAccounts"
	containerType = "Microsoft.Storage/storageAccounts/blobServices/containers"
	hnsSetting    = "isHnsEnabled"

	blobPathAttribute   = containerType + "/blobs:path"
	blobPrefixAttribute = containerType + "/blobs:prefix"
	subOperationList    = "Blob.List"
)

// lakes are the access lists of paths, by container.
type lakes struct {
	// any says that there are some, or may be.
	any        bool
	containers map[arm.Node]*lake
	// accounts says of accounts whether they have a hierarchical namespace.
	accounts map[arm.Node]abac.Truth
}

// lake is what is known of one container.
type lake struct {
	paths map[string]*pathList
	// order are the paths, sorted.
	order []string
}

// pathList is the access list of one path.
type pathList struct {
	entries []pathEntry
	// mask limits the entries that it applies to; all permissions where the list has none.
	mask grantable
}

// pathEntry is one entry. Its tag is 'u', 'g', 'o' or, for one that was not understood, '?'.
type pathEntry struct {
	tag byte
	// who is the person or group; for an owning entry the owner, noPerson if that was not
	// read.
	who    int32
	owning bool
	perm   grantable
	fact   int32
}

// grantable is a set of permissions that may not be known.
type grantable struct {
	perm rwx
	odd  bool
}

// gives says whether the permissions are enough under a mask.
func (g grantable) gives(want rwx, mask grantable) abac.Truth {
	switch {
	case !g.odd && g.perm&want != want, !mask.odd && mask.perm&want != want:
		return abac.False
	case g.odd || mask.odd:
		return abac.Unknown
	default:
		return abac.True
	}
}

var allPermissions = grantable{perm: permR | permW | permX}

func (e *Engine) newLakes() *lakes {
	l := &lakes{containers: map[arm.Node]*lake{}, accounts: map[arm.Node]abac.Truth{}, any: e.gaps.paths.any}
	for i := range e.snap.Resources {
		r := &e.snap.Resources[i]
		if value, ok := hnsOf(r); ok {
			n, _ := e.tree.Find(r.ID)
			l.accounts[n] = value
			l.any = l.any || value == abac.True
		}
	}
	for i := range e.snap.PathACLs {
		a := &e.snap.PathACLs[i]
		if a.Container.IsZero() {
			continue
		}
		n, _ := e.tree.Find(a.Container)
		of := l.containers[n]
		if of == nil {
			of = &lake{paths: map[string]*pathList{}}
			l.containers[n] = of
		}
		of.add(e.people, a, int32(i))
		l.any = true
	}
	for _, of := range l.containers {
		slices.Sort(of.order)
	}
	return l
}

// hnsOf says whether a resource is a storage account with a hierarchical namespace; ok is
// false where it is none or the setting was not read.
func hnsOf(r *mivet.Resource) (value abac.Truth, ok bool) {
	if r.Detail == nil || !r.ID.HasType(storageType) {
		return abac.Unknown, false
	}
	v, ok := r.Setting(hnsSetting)
	return abac.TruthOf(strings.EqualFold(v, "true")), ok
}

func (l *lake) add(p *people, a *mivet.PathACL, fact int32) {
	list := l.paths[a.Path]
	if list == nil {
		list = &pathList{mask: allPermissions}
		l.paths[a.Path] = list
		l.order = append(l.order, a.Path)
	}
	perm, err := parseRWX(a.Permissions)
	entry := pathEntry{
		tag: '?', who: p.find(a.Principal), owning: a.Principal == "", perm: grantable{perm, err != nil}, fact: fact,
	}
	if entry.owning {
		entry.who = p.find(a.Owner)
	}
	switch a.Tag {
	case "user":
		entry.tag = 'u'
	case "group":
		entry.tag = 'g'
	case "other":
		entry.tag = 'o'
	case "mask":
		list.mask = entry.perm
		return
	default:
		entry.perm.odd = true
	}
	list.entries = append(list.entries, entry)
}

// hns says whether the question's account has a hierarchical namespace.
func (l *lakes) hns(q *question) abac.Truth {
	for n := q.node; n != arm.RootNode; n = q.e.tree.Parent(n) {
		if l.containers[n] != nil {
			return abac.True // there are no access lists elsewhere
		}
		if t, ok := l.accounts[n]; ok {
			return t
		}
	}
	return abac.Unknown
}

// lake returns what is known of the question's container, or nil.
func (l *lakes) lake(q *question) *lake {
	for n := q.node; n != arm.RootNode; n = q.e.tree.Parent(n) {
		if of := l.containers[n]; of != nil {
			return of
		}
	}
	return nil
}

// pathFinding is what access lists make of a question.
type pathFinding struct {
	truth abac.Truth
	// fact is the entry that decided, or -1.
	fact int32
	// missing is what would decide, where truth is Unknown.
	missing Missing
	// steps are what was asked for on single paths.
	steps []pathStep
}

// pathStep is a permission that was asked for on one path, and what gives it.
type pathStep struct {
	pathAsk
	truth abac.Truth
	fact  int32
}

func pathRefused() pathFinding { return pathFinding{truth: abac.False, fact: -1} }

// weighPaths takes the access lists of paths into account.
func (v *verdict) weighPaths(q *question) {
	l := q.e.lakes
	if !q.row.blob || q.plane != mivet.PlaneData || !l.any || ancestorOf(q.resource, containerType).IsZero() {
		return
	}
	hns := l.hns(q)
	if hns == abac.False {
		return
	}
	if hns == abac.True {
		v.addPaths(q, l.lake(q))
	}
	if !q.rolesOnly {
		v.gap(q.gap(&q.e.gaps.paths))
	}
}

// addPaths takes one container's access lists into account, and the super-user, whom they
// do not bind.
func (v *verdict) addPaths(q *question, of *lake) {
	v.addSuperUser(q)
	if of == nil || q.rolesOnly || v.done() {
		return
	}
	found := of.weigh(q)
	why := CausePath
	// Whether a deny assignment holds against an access list, no page says.
	if v.deny != abac.False && found.truth == abac.True {
		found.truth, why = abac.Unknown, CauseDenyUnknown
		found.missing = Missing{What: "whether a deny assignment holds against an access list is not published"}
	}
	if v.trace != nil {
		v.trace.paths(q, &found)
	}
	v.grant(found.truth, found.fact, LocalPathACL, why)
}

// addSuperUser takes a role into account that makes the caller a super-user.
func (v *verdict) addSuperUser(q *question) {
	op := operationOf(blobSuperUser)
	if q.row.op.Equal(op) {
		return
	}
	s := *q
	s.row = q.e.rows.get(op)
	d := s.weighed()
	fact := int32(d.Fact)
	switch d.Effect {
	case Denied:
		return
	case Allowed:
		v.grant(abac.True, fact, d.Local, CauseNone)
	default:
		v.grant(abac.Unknown, fact, d.Local, d.Cause)
	}
	if v.trace != nil {
		v.trace.superUser(s.explain(mivet.PlaneData))
	}
}

// grant notes a grant that is no role's.
func (v *verdict) grant(t abac.Truth, fact int32, local LocalKind, why Cause) {
	switch {
	case t == abac.True && !v.sure:
		v.sure, v.sureFact, v.sureLocal = true, fact, local
	case t == abac.Unknown:
		v.mayHang(why, fact, local)
	}
}

// givenText returns a text that the question tells of the request.
func (q *question) givenText(sources []abac.Source, name string) (string, bool) {
	if q.given == nil {
		return "", false
	}
	for _, s := range sources {
		if v, p := q.given.Lookup(s, name); p == abac.Known && v.Kind() == abac.KindString {
			text := v.String()
			return strings.ReplaceAll(text[1:len(text)-1], `\'`, "'"), true
		}
	}
	return "", false
}

// lists says whether the request lists paths: Unknown where the question does not tell
// its suboperations.
func (q *question) lists() abac.Truth {
	if q.given == nil {
		return abac.Unknown
	}
	v, p := q.given.Lookup(abac.Request, "subOperation")
	if p != abac.Known {
		return abac.Unknown
	}
	return abac.TruthOf(strings.Contains(v.String(), "'"+subOperationList+"'"))
}

// path returns the path that the question is about, from the root, and whether it tells.
func (q *question) path() (string, bool) {
	sources := []abac.Source{abac.Resource, abac.Request}
	path, ok := q.givenText(sources, blobPathAttribute)
	if prefix, has := q.givenText(sources, blobPrefixAttribute); has && q.lists() != abac.False && !ok {
		path, ok = strings.TrimSuffix(prefix, "/")+"/", true
	}
	return "/" + strings.TrimPrefix(path, "/"), ok
}

// weigh says whether the container's access lists give the operation.
func (l *lake) weigh(q *question) pathFinding {
	path, told := q.path()
	if told {
		return l.weighPath(q, path)
	}
	total := pathRefused()
	for _, p := range l.order {
		if l.weighPath(q, p).truth != abac.False {
			total.truth = abac.Unknown
			total.missing = Missing{
				What: "an access list in the container may give it, which hangs on the path",
				Fix:  "give the path with the question: @Resource[" + blobPathAttribute + "]",
			}
			break
		}
	}
	return total
}

// weighPath says whether the access lists give the operation on one path.
func (l *lake) weighPath(q *question, path string) pathFinding {
	directory := strings.HasSuffix(path, "/")
	switch name := strings.TrimPrefix(string(q.row.op.Key()), strings.ToLower(blobOperations)); {
	case name == "read" && q.reads(l, &path):
		return l.weighAll(q, ReadFile.asks(path))
	case name == "read":
		return l.weighAll(q, ListDirectory.asks(path))
	case (name == "write" || name == "add/action") && l.paths[path] != nil && !directory:
		return l.weighWrite(q, path)
	case name == "write" || name == "add/action":
		return l.weighAll(q, CreateFile.asks(path))
	case name == "delete" && directory:
		return l.weighAll(q, l.deletes(path))
	case name == "delete":
		return l.weighAll(q, DeleteFile.asks(path))
	case name == "move/action":
		return l.weighMove(q, path)
	case name == "modifypermissions/action", name == "manageownership/action":
		return l.weighOwner(q, path, name == "manageownership/action")
	default:
		return pathRefused() // tags, versions and snapshots have no access lists
	}
}

// reads says whether a read is one of a file. A path that only a directory has is listed.
func (q *question) reads(l *lake, path *string) bool {
	lists := q.lists()
	directory := strings.HasSuffix(*path, "/")
	if !directory && l.paths[*path] == nil && l.paths[*path+"/"] != nil && lists != abac.False {
		*path += "/"
		return false
	}
	if lists == abac.True && !directory {
		*path += "/"
	}
	return lists == abac.False || lists == abac.Unknown && !directory
}

// weighWrite says whether a file that exists may be written: to append takes permission
// on the file, to replace it takes permission on its directory.
func (l *lake) weighWrite(q *question, path string) pathFinding {
	appends := l.weighAll(q, AppendFile.asks(path))
	replaces := l.weighAll(q, CreateFile.asks(path))
	if appends.truth == replaces.truth {
		return appends
	}
	return pathFinding{
		truth: abac.Unknown, fact: max(appends.fact, replaces.fact), steps: append(appends.steps, replaces.steps...),
		missing: Missing{
			What: "the access lists of " + path + " and its directory differ: whether the request appends to the file or replaces it is not told",
		},
	}
}

// weighMove says whether a path may be moved away. Where to is not part of the question.
func (l *lake) weighMove(q *question, path string) pathFinding {
	from := l.weighAll(q, DeleteFile.asks(path))
	if from.truth == abac.True {
		from.truth = abac.Unknown
		from.missing = Missing{What: "the path may be moved away; whether it may be moved to its destination hangs on that directory's access list"}
	}
	return from
}

// weighOwner says whether the caller owns a path: an owner may change its access list,
// and its owning group to one of its own.
func (l *lake) weighOwner(q *question, path string, group bool) pathFinding {
	total := pathRefused()
	list := l.paths[path]
	if list == nil {
		return total
	}
	for i := range list.entries {
		entry := &list.entries[i]
		if entry.tag != 'u' || !entry.owning {
			continue
		}
		total.truth, total.fact = q.owns(entry), entry.fact
		if total.truth == abac.True && group {
			total.truth = abac.Unknown
		}
		total.missing = Missing{What: "an owner may change the access list of " + path + ", and its owning group to one that it is in; who owns it was not read or the group is not told"}
	}
	return total
}

// owns says whether the caller is the owner that an owning entry names.
func (q *question) owns(entry *pathEntry) abac.Truth {
	if entry.who == noPerson {
		return abac.Unknown
	}
	return abac.TruthOf(entry.who == q.who.number)
}

// deletes returns what the deletion of a directory takes: permissions on each directory
// inside as well.
func (l *lake) deletes(path string) []pathAsk {
	asks := DeleteDirectory.asks(path)
	for _, p := range l.order {
		if p != path && strings.HasPrefix(p, path) && strings.HasSuffix(p, "/") {
			asks = append(asks, pathAsk{p, permR | permW | permX})
		}
	}
	return asks
}

// weighAll says whether all permissions are there. The entry of the last is the one that
// decided.
func (l *lake) weighAll(q *question, asks []pathAsk) pathFinding {
	total := pathFinding{truth: abac.True, fact: -1}
	for _, a := range asks {
		if a.want == 0 {
			continue
		}
		found := l.weighAsk(q, a)
		total.steps = append(total.steps, pathStep{a, found.truth, found.fact})
		if found.truth == abac.Unknown && total.truth == abac.True {
			total.missing = Missing{What: "what the access list of " + a.path + " gives the principal is not known: its owner, a membership or an entry was not read"}
		}
		total.truth = total.truth.And(found.truth)
		total.fact = found.fact
	}
	if len(total.steps) == 0 {
		return pathRefused() // the root directory can be neither created nor deleted
	}
	return total
}

func (l *lake) weighAsk(q *question, a pathAsk) pathFinding {
	list := l.paths[a.path]
	if list == nil {
		return pathRefused()
	}
	return list.weigh(q, a.want)
}

// weigh follows the published algorithm: the owner's entry alone decides for the owner,
// a named user's for that user; then any group's entry is enough, else that for others.
// The mask does not limit the owner.
func (l *pathList) weigh(q *question, want rwx) pathFinding {
	owner := pathRefused()
	owns := abac.False
	for i := range l.entries {
		entry := &l.entries[i]
		if entry.tag == 'u' && entry.owning {
			owns = q.owns(entry)
			owner = pathFinding{truth: entry.perm.gives(want, allPermissions), fact: entry.fact}
		}
	}
	if owns == abac.True {
		return owner
	}
	rest := l.weighRest(q, want)
	if owns == abac.Unknown && owner.truth != rest.truth {
		return pathFinding{truth: abac.Unknown, fact: max(owner.fact, rest.fact)}
	}
	return rest
}

// weighRest weighs the entries for others than the owner.
func (l *pathList) weighRest(q *question, want rwx) pathFinding {
	total := pathRefused()
	for i := range l.entries {
		entry := &l.entries[i]
		if entry.tag == 'u' && !entry.owning && entry.who == q.who.number {
			return pathFinding{truth: entry.perm.gives(want, l.mask), fact: entry.fact}
		}
	}
	for i := range l.entries {
		entry := &l.entries[i]
		in := abac.True
		switch entry.tag {
		case 'g':
			in = q.inOwning(entry)
		case 'u':
			in = abac.False
		}
		given := in.And(entry.perm.gives(want, l.mask))
		switch {
		case given == abac.True && total.truth != abac.True, given == abac.Unknown && total.truth == abac.False:
			total.truth, total.fact = given, entry.fact
		case in == abac.True && total.fact < 0:
			total.fact = entry.fact // it concerns the caller and is not enough
		}
	}
	return total
}

// inOwning says whether the caller is in the group that an entry names.
func (q *question) inOwning(entry *pathEntry) abac.Truth {
	if entry.who == noPerson {
		return abac.Unknown
	}
	return q.isIn(entry.who)
}

// holders calls note for everyone whom an access list of the container names, and
// reports whether it may give something to anyone at all.
func (l *lakes) holders(q *question, note func(int32)) (anyone bool) {
	of := l.lake(q)
	if of == nil {
		return false
	}
	for _, list := range of.paths {
		for i := range list.entries {
			entry := &list.entries[i]
			if entry.who != noPerson {
				note(entry.who)
			}
			anyone = anyone || entry.tag == 'o' && (entry.perm.perm != 0 || entry.perm.odd) || entry.tag == '?' ||
				entry.owning && entry.who == noPerson && entry.tag != 'o'
		}
	}
	return anyone
}

// paths records what access lists give, in the light of all of them together.
func (t *trace) paths(q *question, found *pathFinding) {
	if found.truth == abac.Unknown {
		t.miss(found.missing)
	}
	for i := range found.steps {
		step := &found.steps[i]
		if step.fact < 0 {
			continue
		}
		acl := &q.e.snap.PathACLs[step.fact]
		r := Reason{
			Outcome: OtherOperation, PathACL: acl, Scope: acl.Container, Source: acl.Source, RoleName: "access list of " + step.path,
			Via: t.via(q, acl.Principal), Note: "asked for is " + step.want.String() + " on " + step.path,
		}
		switch {
		case step.truth == abac.True && found.truth == abac.True:
			r.Outcome = Grants
		case step.truth != abac.False && found.truth == abac.Unknown:
			r.Outcome = MayGrant
		case step.truth != abac.False:
			r.Note += ", which it gives; more is asked for elsewhere"
		}
		t.reasons = append(t.reasons, r)
	}
}

// superUser records the grants that make the caller a super-user, and what is missing for
// them.
func (t *trace) superUser(x Explanation) {
	for _, m := range x.Missing {
		t.miss(m)
	}
	for _, r := range x.Reasons {
		if r.Outcome == Grants || r.Outcome == MayGrant {
			r.Note = "it makes the caller a super-user of the container, whom access lists do not bind"
			t.reasons = append(t.reasons, r)
		}
	}
}
