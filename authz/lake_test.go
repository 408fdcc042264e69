// SPDX-License-Identifier: Apache-2.0

package authz

import (
	"slices"
	"strings"
	"testing"

	"github.com/mivet/mivet"
	"github.com/mivet/mivet/abac"
	"github.com/mivet/mivet/arm"
)

// entryOf reads "/raw/ user:alice=r-x". A name in brackets is an owner: "user[alice]=rwx",
// and "user[]" one whose owner was not read.
func entryOf(t *testing.T, text string) mivet.PathACL {
	t.Helper()
	path, entry, _ := strings.Cut(text, " ")
	who, perm, ok := strings.Cut(entry, "=")
	if !ok {
		t.Fatalf("%q is no entry", text)
	}
	a := mivet.PathACL{Container: id(blobs), Path: path, Permissions: perm}
	switch tag, name, _ := strings.Cut(who, ":"); {
	case strings.HasSuffix(tag, "]"):
		tag, owner, _ := strings.Cut(strings.TrimSuffix(tag, "]"), "[")
		a.Tag, a.Owner = tag, mivet.PrincipalID(owner)
	default:
		a.Tag, a.Principal = tag, mivet.PrincipalID(name)
	}
	return a
}

func lakeWith(t *testing.T, hns string, entries ...string) *mivet.Snapshot {
	t.Helper()
	return small(func(s *mivet.Snapshot) {
		r := mivet.Resource{ID: id(account)}
		if hns != "" {
			r.Detail = &mivet.Detail{Settings: map[string]string{hnsSetting: hns}}
		}
		s.Resources = append(s.Resources, r)
		s.Memberships = []mivet.Membership{{Group: "team", Member: "mill"}, {Group: "owners", Member: "mill"}}
		for _, e := range entries {
			s.PathACLs = append(s.PathACLs, entryOf(t, e))
		}
	})
}

// onPath asks for a data action on a path; "" leaves the path open.
func onPath(who mivet.PrincipalID, action, path string, subOperations ...string) Request {
	r := ask(who, readBlob, blobs)
	r.Operation = op(blobOperations + action)
	r.Given = &abac.Env{}
	if path != "" {
		r.Given.Set(abac.Resource, blobPathAttribute, abac.String(path))
	}
	if subOperations != nil {
		r.Given.SetSubOperations(slices.DeleteFunc(subOperations, func(s string) bool { return s == "" })...)
	}
	return r
}

const (
	throughRoot = "/ other:=--x"
	throughRaw  = "/raw/ other:=--x"
)

func TestPathsOfAFile(t *testing.T) {
	f := func(action, path string, effect Effect, cause Cause, entries ...string) {
		t.Helper()
		wants(t, lakeWith(t, "true", entries...), onPath("mill", action, path), effect, cause)
	}
	no, yes, open := Denied, Allowed, Unknown
	f("read", "raw/a.txt", yes, CauseGrant, throughRoot, throughRaw, "/raw/a.txt user:mill=r--")
	f("read", "raw/a.txt", no, CauseNoGrant, throughRoot, throughRaw, "/raw/a.txt user:other=r--")
	f("read", "raw/a.txt", no, CauseNoGrant, throughRoot, "/raw/a.txt user:mill=r--")
	f("read", "raw/a.txt", no, CauseNoGrant, throughRoot, "/raw/ user:mill=rw-", "/raw/a.txt user:mill=r--")
	f("read", "raw/b.txt", no, CauseNoGrant, throughRoot, throughRaw, "/raw/a.txt user:mill=r--")
	f("read", "/raw/a.txt", yes, CauseGrant, throughRoot, throughRaw, "/raw/a.txt other:=r--")
	f("read", "raw/A.txt", no, CauseNoGrant, throughRoot, throughRaw, "/raw/a.txt other:=r--")

	// A file that exists is appended to or replaced; one that does not is created.
	f("write", "raw/a.txt", yes, CauseGrant, throughRoot, "/raw/ user:mill=-wx", "/raw/a.txt user:mill=rw-")
	f("write", "raw/a.txt", open, CausePath, throughRoot, "/raw/ user:mill=-wx", "/raw/a.txt user:mill=r--")
	f("write", "raw/a.txt", open, CausePath, throughRoot, throughRaw, "/raw/a.txt user:mill=rw-")
	f("write", "raw/a.txt", no, CauseNoGrant, throughRoot, throughRaw, "/raw/a.txt user:mill=r--")
	f("add/action", "raw/b.txt", yes, CauseGrant, throughRoot, "/raw/ user:mill=-wx")
	f("write", "raw/b.txt", no, CauseNoGrant, throughRoot, "/raw/ user:mill=-w-")
	f("write", "raw/new/", yes, CauseGrant, throughRoot, "/raw/ user:mill=-wx")

	f("delete", "raw/a.txt", yes, CauseGrant, throughRoot, "/raw/ user:mill=-wx")
	f("delete", "raw/", no, CauseNoGrant, "/ user:mill=-wx", "/raw/ user:mill=r-x")
	f("delete", "raw/", yes, CauseGrant, "/ user:mill=-wx", "/raw/ user:mill=rwx", "/raw/in/ user:mill=rwx", "/raw/in/a user:mill=---")
	f("delete", "raw/", no, CauseNoGrant, "/ user:mill=-wx", "/raw/ user:mill=rwx", "/raw/in/ user:mill=r-x")
	f("move/action", "raw/a.txt", open, CausePath, throughRoot, "/raw/ user:mill=-wx")
	f("move/action", "raw/a.txt", no, CauseNoGrant, throughRoot, "/raw/ user:mill=r-x")

	// What access lists never give.
	f("tags/read", "raw/a.txt", no, CauseNoGrant, throughRoot, "/raw/ other:=rwx", "/raw/a.txt other:=rwx")
	f("runAsSuperUser/action", "raw/a.txt", no, CauseNoGrant, throughRoot, throughRaw, "/raw/a.txt other:=rwx")
	f("modifyPermissions/action", "raw/a.txt", yes, CauseGrant, "/raw/a.txt user[mill]=---")
	f("modifyPermissions/action", "raw/a.txt", no, CauseNoGrant, "/raw/a.txt user[other]=---", "/raw/a.txt user:mill=rwx")
	f("modifyPermissions/action", "raw/a.txt", open, CausePath, "/raw/a.txt user[]=---")
	f("modifyPermissions/action", "raw/b.txt", no, CauseNoGrant, "/raw/a.txt user[mill]=---")
	f("manageOwnership/action", "raw/a.txt", open, CausePath, "/raw/a.txt user[mill]=---")
	f("manageOwnership/action", "raw/a.txt", no, CauseNoGrant, "/raw/a.txt user[other]=---")
}

func TestPathsOfADirectory(t *testing.T) {
	f := func(r Request, effect Effect, entries ...string) {
		t.Helper()
		s := lakeWith(t, "true", entries...)
		if got := New(s, Options{}).Check(r); got.Effect != effect {
			t.Errorf("got %s, want %s", got.Effect, effect)
		}
	}
	f(onPath("mill", "read", "raw/"), Allowed, throughRoot, "/raw/ user:mill=r-x")
	f(onPath("mill", "read", "raw/"), Denied, throughRoot, "/raw/ user:mill=r--")
	f(onPath("mill", "read", "/"), Allowed, "/ user:mill=r-x")
	// A name that only a directory has is listed, unless the request says that it is not.
	f(onPath("mill", "read", "raw"), Allowed, throughRoot, "/raw/ user:mill=r-x")
	f(onPath("mill", "read", "raw", ""), Denied, throughRoot, "/raw/ user:mill=r-x")
	f(onPath("mill", "read", "raw", subOperationList), Allowed, throughRoot, "/raw/ user:mill=r-x")
	f(onPath("mill", "read", "raw", subOperationList), Denied, throughRoot, "/raw user:mill=r--")
	prefixed := onPath("mill", "read", "", subOperationList)
	prefixed.Given.Set(abac.Request, blobPrefixAttribute, abac.String("it's/"))
	f(prefixed, Allowed, throughRoot, "/it's/ user:mill=r-x")
	f(prefixed, Denied, throughRoot, "/its/ user:mill=r-x")
}

// The algorithm of data-lake-storage-access-control.md.
func TestWhoGetsWhatOfAPath(t *testing.T) {
	f := func(who mivet.PrincipalID, effect Effect, entries ...string) {
		t.Helper()
		s := lakeWith(t, "true", append([]string{throughRoot}, entries...)...)
		if got := New(s, Options{}).Check(onPath(who, "read", "a.txt")); got.Effect != effect {
			t.Errorf("got %s, want %s", got.Effect, effect)
		}
	}
	// The owner's entry alone decides for the owner, whatever the mask.
	f("mill", Allowed, "/a.txt user[mill]=r--", "/a.txt mask:=---")
	f("mill", Denied, "/a.txt user[mill]=-w-", "/a.txt user:mill=r--", "/a.txt other:=r--")
	// A named user's entry alone, under the mask.
	f("mill", Allowed, "/a.txt user:mill=r--", "/a.txt mask:=r--")
	f("mill", Denied, "/a.txt user:mill=rwx", "/a.txt mask:=-wx")
	f("mill", Denied, "/a.txt user:mill=---", "/a.txt group:team=r--", "/a.txt other:=r--")
	// Any group's entry is enough; the entry for others is looked at after them.
	f("mill", Allowed, "/a.txt group:team=r--")
	f("mill", Allowed, "/a.txt group:team=---", "/a.txt group[owners]=r--")
	f("mill", Allowed, "/a.txt group:team=---", "/a.txt other:=r--")
	f("mill", Denied, "/a.txt group:team=r--", "/a.txt mask:=-wx")
	f("mill", Denied, "/a.txt other:=r--", "/a.txt mask:=-wx")
	f("else", Denied, "/a.txt group:team=r--")
	f("else", Allowed, "/a.txt other:=r--")
	// What is not known of an entry leaves the answer open where it matters.
	f("mill", Unknown, "/a.txt user[]=r--")
	f("mill", Allowed, "/a.txt user[]=r--", "/a.txt other:=r--")
	f("mill", Denied, "/a.txt user[]=-w-")
	f("mill", Unknown, "/a.txt group[]=r--")
	f("mill", Unknown, "/a.txt user:mill=r?-")
	f("mill", Unknown, "/a.txt user:mill=r--", "/a.txt mask:=all")
	f("mill", Denied, "/a.txt user:mill=-w-", "/a.txt mask:=all")
	f("mill", Unknown, "/a.txt default:mill=r--")
}

func TestPathsAreOpen(t *testing.T) {
	f := func(hns string, effect Effect, cause Cause, r Request, entries ...string) {
		t.Helper()
		wants(t, lakeWith(t, hns, entries...), r, effect, cause)
	}
	file := []string{throughRoot, "/a.txt user:mill=r--"}
	f("true", Allowed, CauseGrant, onPath("mill", "read", "a.txt"), file...)
	// Access lists exist only with a hierarchical namespace, so they prove it.
	f("", Allowed, CauseGrant, onPath("mill", "read", "a.txt"), file...)
	f("", Denied, CauseNoGrant, onPath("mill", "read", "a.txt"))
	f("false", Denied, CauseNoGrant, onPath("mill", "read", "a.txt"))
	// Without a path an access list may give it, if there is one that could.
	f("true", Unknown, CausePath, onPath("mill", "read", ""), file...)
	f("true", Denied, CauseNoGrant, onPath("else", "read", ""), file...)
	f("true", Unknown, CausePath, ask("mill", readBlob, blobs), file...)
	// The account as a whole is not a container's.
	f("true", Denied, CauseNoGrant, ask("mill", readBlob, account), file...)
}

func TestPathsBesideOtherFacts(t *testing.T) {
	file := []string{throughRoot, "/a.txt user:mill=r--"}
	f := func(effect Effect, cause Cause, r Request, change func(*mivet.Snapshot)) {
		t.Helper()
		s := lakeWith(t, "true", file...)
		change(s)
		wants(t, s, r, effect, cause)
	}
	read := onPath("mill", "read", "a.txt")
	gap := func(g mivet.Gap) func(*mivet.Snapshot) {
		return func(s *mivet.Snapshot) { s.Gaps = append(s.Gaps, g) }
	}
	lost := mivet.Gap{Facts: mivet.FactPathACLs, Reason: "the account is closed to the network", Permission: "Storage Blob Data Owner"}
	f(Allowed, CauseGrant, read, gap(lost))
	f(Unknown, CauseGap, onPath("mill", "read", "b.txt"), gap(lost))
	f(Unknown, CauseGap, onPath("nobody", "read", "a.txt"), gap(lost))
	lost.Scope = id(sub2)
	f(Denied, CauseNoGrant, onPath("mill", "read", "b.txt"), gap(lost))
	// A gap does not matter where there are no access lists.
	flat := lakeWith(t, "false")
	flat.Gaps = []mivet.Gap{{Facts: mivet.FactPathACLs}}
	wants(t, flat, read, Denied, CauseNoGrant)
	flat.Resources = nil
	wants(t, flat, read, Unknown, CauseGap)
	// An access list of nowhere may be of anywhere.
	f(Unknown, CauseGap, onPath("mill", "read", "b.txt"), func(s *mivet.Snapshot) {
		s.PathACLs = append(s.PathACLs, mivet.PathACL{Path: "/", Tag: "other", Permissions: "rwx"})
	})

	// A role is enough, and a deny assignment leaves open whether an access list is.
	f(Allowed, CauseGrant, onPath("nobody", "read", "x"), func(s *mivet.Snapshot) {
		s.RoleAssignments = append(s.RoleAssignments, grantOf("nobody", "data", account))
	})
	f(Unknown, CauseDenyUnknown, read, func(s *mivet.Snapshot) {
		s.DenyAssignments = append(s.DenyAssignments, denyOf(account, mivet.Everyone))
	})
	f(Denied, CauseDeny, onPath("mill", "read", "b.txt"), func(s *mivet.Snapshot) {
		s.DenyAssignments = append(s.DenyAssignments, denyOf(account, mivet.Everyone))
	})

	// A super-user is not bound by access lists.
	super := func(condition string) func(*mivet.Snapshot) {
		return func(s *mivet.Snapshot) {
			s.RoleDefinitions = append(s.RoleDefinitions, mivet.RoleDefinition{
				ID: "super", Permissions: []mivet.Permission{{DataActions: []string{blobSuperUser}}},
			})
			a := grantOf("nobody", "super", account)
			a.Condition = condition
			s.RoleAssignments = append(s.RoleAssignments, a)
		}
	}
	f(Allowed, CauseGrant, onPath("nobody", "read", "x"), super(""))
	f(Unknown, CauseCondition, onPath("nobody", "read", "x"), super("@Request[a:b] StringEquals 'x'"))
	bare := lakeWith(t, "true")
	super("")(bare)
	wants(t, bare, onPath("nobody", "delete", "x"), Allowed, CauseGrant)
}

func TestPathsAreExplained(t *testing.T) {
	s := lakeWith(t, "true", throughRoot, "/raw/ group:team=r-x", "/raw/a.txt user:mill=r--", "/raw/a.txt user[]=rwx", "/raw/b.txt user:mill=-w-")
	f := func(r Request, want ...string) {
		t.Helper()
		x := New(s, Options{}).Explain(r)
		var got []string
		for _, reason := range x.Reasons {
			if reason.PathACL != nil {
				got = append(got, reason.Outcome.String()+": "+reason.Note)
			}
		}
		for _, m := range x.Missing {
			got = append(got, m.What)
		}
		if !slices.Equal(got, want) {
			t.Errorf("got %q,\nwant %q", got, want)
		}
	}
	f(onPath("mill", "read", "raw/"), "grants: asked for is --x on /", "grants: asked for is r-x on /raw/")
	f(onPath("mill", "read", "raw/b.txt"), "other operation: asked for is --x on /, which it gives; more is asked for elsewhere",
		"other operation: asked for is --x on /raw/, which it gives; more is asked for elsewhere", "other operation: asked for is r-- on /raw/b.txt")
	f(onPath("else", "read", "raw/a.txt"), "other operation: asked for is --x on /, which it gives; more is asked for elsewhere",
		"other operation: asked for is r-- on /raw/a.txt, which it gives; more is asked for elsewhere")
	f(onPath("mill", "add/action", "raw/a.txt"),
		"may grant: asked for is --x on /", "may grant: asked for is --x on /raw/", "may grant: asked for is rw- on /raw/a.txt",
		"may grant: asked for is --x on /", "other operation: asked for is -wx on /raw/",
		"the access lists of /raw/a.txt and its directory differ: whether the request appends to the file or replaces it is not told")
	f(onPath("mill", "read", ""), "an access list in the container may give it, which hangs on the path")

	s.RoleDefinitions = append(s.RoleDefinitions, mivet.RoleDefinition{ID: "super", Permissions: []mivet.Permission{{DataActions: []string{blobSuperUser}}}})
	s.RoleAssignments = append(s.RoleAssignments, grantOf("root", "super", blobs))
	x := New(s, Options{}).Explain(onPath("root", "delete", "raw/a.txt"))
	if x.Effect != Allowed || x.Reasons[0].Outcome != Grants || !strings.Contains(x.Reasons[0].Note, "super-user") {
		t.Errorf("%+v", x)
	}
}

func TestWhoCanByPath(t *testing.T) {
	f := func(path string, want []mivet.PrincipalID, entries ...string) {
		t.Helper()
		r := onPath("", "read", path)
		e := New(lakeWith(t, "true", entries...), Options{})
		var got []mivet.PrincipalID
		for h := range e.WhoCan(WhoCanQuery{Operation: r.Operation, Plane: r.Plane, Resource: r.Resource, Given: r.Given}) {
			got = append(got, h.Principal)
		}
		if !slices.Equal(got, want) {
			t.Errorf("got %v, want %v", got, want)
		}
	}
	f("a", []mivet.PrincipalID{"baker"}, throughRoot, "/a user:baker=r--")
	f("a", []mivet.PrincipalID{"mill", "team"}, throughRoot, "/a group:team=r--")
	f("a", []mivet.PrincipalID{"mill", "owners", "team"}, throughRoot, "/a other:=r--")
	f("a", []mivet.PrincipalID{"mill", "owners", "team"}, throughRoot, "/a user[]=r--")
	f("a", nil, throughRoot, "/a other:=---", "/a user[owners]=-w-")
	f("a", nil)
	e := New(lakeWith(t, "true", throughRoot, "/a user:mill=r--"), Options{})
	r := onPath("", "read", "a")
	m := e.Matrix([]mivet.PrincipalID{"mill", "else"}, WhoCanQuery{Operation: r.Operation, Plane: r.Plane, Given: r.Given}, []arm.ID{id(blobs), id(account)})
	if m.Effects[0][0] != Allowed || m.Effects[0][1] != Denied || m.Effects[1][0] != Denied {
		t.Error(m)
	}
}
