// SPDX-License-Identifier: Apache-2.0

package vet

import (
	"github.com/mivet/mivet"
	"github.com/mivet/mivet/authz"
	"github.com/mivet/mivet/catalog"
)

// BrokenTests returns the access tests of a snapshot that pass before a change and do not
// pass after it. Tests that hang on what is not known count as not passing.
func BrokenTests(before, after *mivet.Snapshot, c *catalog.Catalog) []mivet.AccessTest {
	if len(before.AccessTests) == 0 {
		return nil
	}
	o := authz.Options{Catalog: c}
	old, changed := authz.New(before, o), authz.New(after, o)
	var broken []mivet.AccessTest
	for _, t := range before.AccessTests {
		if passes(old, t) && !passes(changed, t) {
			broken = append(broken, t)
		}
	}
	return broken
}

func passes(e *authz.Engine, t mivet.AccessTest) bool {
	want := authz.Denied
	if t.Allowed {
		want = authz.Allowed
	}
	return e.Check(authz.Request{
		Principal: t.Principal, Operation: t.Operation, Plane: t.Plane, Resource: t.Resource,
	}).Effect == want
}
