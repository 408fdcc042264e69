// SPDX-License-Identifier: Apache-2.0

package authz_test

import (
	"fmt"
	"time"

	"github.com/mivet/mivet"
	"github.com/mivet/mivet/arm"
	"github.com/mivet/mivet/authz"
	"github.com/mivet/mivet/catalog"
)

// The names of the examples.
const (
	subscription = "/subscriptions/7c0b8a52-41a1-4f7b-9a65-0a4a5a6a7a01"
	bakery       = subscription + "/resourceGroups/bakery"
	flour        = bakery + "/providers/Microsoft.Storage/storageAccounts/flour"
	readBlobs    = "Microsoft.Storage/storageAccounts/blobServices/containers/blobs/read"
)

func scope(text string) arm.ID {
	id, err := arm.ParseID(text)
	if err != nil {
		panic(err)
	}
	return id
}

func operation(text string) arm.Operation {
	op, err := arm.ParseOperation(text)
	if err != nil {
		panic(err)
	}
	return op
}

// engine knows a bakery: its bakers are readers of blobs, the oven owns the subscription.
func engine() *authz.Engine {
	cat, err := catalog.Open()
	if err != nil {
		panic(err)
	}
	return authz.New(&mivet.Snapshot{
		TakenAt:       time.Date(2026, 11, 1, 6, 0, 0, 0, time.UTC),
		Subscriptions: []mivet.Subscription{{ID: scope(subscription)}},
		Memberships:   []mivet.Membership{{Group: "bakers", Member: "ann"}},
		RoleAssignments: []mivet.RoleAssignment{
			{Principal: "bakers", RoleName: "Storage Blob Data Reader", Scope: scope(flour)},
			{Principal: "oven", RoleName: "Owner", Scope: scope(subscription)},
		},
	}, authz.Options{Catalog: cat})
}

// An engine is made of what is known of a tenant. What a fact leaves open is no error of
// New: answers that hang on it are unknown.
func ExampleNew() {
	e := authz.New(&mivet.Snapshot{
		Subscriptions:   []mivet.Subscription{{ID: scope(subscription)}},
		RoleAssignments: []mivet.RoleAssignment{{Principal: "ann", RoleName: "a role nobody knows", Scope: scope(bakery)}},
	}, authz.Options{})
	d := e.Check(authz.Request{Principal: "ann", Operation: operation(readBlobs), Plane: mivet.PlaneData, Resource: scope(flour)})
	fmt.Println(d.Effect, "because of", d.Cause)
	// Output: unknown because of a role that is not known
}

func ExampleEngine_Check() {
	e := engine()
	for _, who := range []mivet.PrincipalID{"ann", "oven"} {
		d := e.Check(authz.Request{Principal: who, Operation: operation(readBlobs), Resource: scope(flour)})
		fmt.Println(who, "is", d.Effect, "because of", d.Cause)
	}
	// Output:
	// ann is allowed because of a grant
	// oven is denied because of no grant
}

func ExampleEngine_Explain() {
	x := engine().Explain(authz.Request{Principal: "ann", Operation: operation(readBlobs), Resource: scope(flour)})
	fmt.Println(x.Effect)
	for _, r := range x.Reasons {
		fmt.Println(r.RoleName, r.Outcome, "it by", r.Pattern)
		fmt.Println("held through", r.Via)
	}
	// Output:
	// allowed
	// Storage Blob Data Reader grants it by Microsoft.Storage/storageAccounts/blobServices/containers/blobs/read
	// held through [ann bakers]
}

func ExampleEngine_WhoCan() {
	e := engine()
	w := authz.WhoCanQuery{Operation: operation(readBlobs), Resource: scope(flour)}
	for h := range e.WhoCan(w) {
		fmt.Println(h.Principal, h.Effect)
	}
	fmt.Println("anyone else:", e.AnyoneElse(w).Effect)
	// Output:
	// ann allowed
	// bakers allowed
	// anyone else: denied
}

func ExampleEngine_WhatCan() {
	for r := range engine().WhatCan(authz.WhatCanQuery{Principal: "ann"}) {
		fmt.Println(r.RoleName, "on", r.Scope.Name(), "through", r.Via)
		for op := range r.Operations(mivet.PlaneData) {
			fmt.Println(op)
		}
	}
	// Output:
	// Storage Blob Data Reader on flour through [ann bakers]
	// Microsoft.Storage/storageAccounts/blobServices/containers/blobs/read
}

func ExampleEngine_Matrix() {
	resources := []arm.ID{scope(flour), scope(bakery)}
	people := []mivet.PrincipalID{"ann", "oven"}
	m := engine().Matrix(people, authz.WhoCanQuery{Operation: operation("Microsoft.Storage/storageAccounts/read")}, resources)
	for i, row := range m.Effects {
		fmt.Println(people[i], row)
	}
	// Output:
	// ann [denied denied]
	// oven [allowed allowed]
}

// Callers that ask the same names often intern them once.
func ExampleEngine_CheckRef() {
	e := engine()
	who, what, where := e.Principal("ann"), e.Operation(operation(readBlobs)), e.Resource(scope(flour))
	d := e.CheckRef(who, what, &where, mivet.PlaneData, time.Time{})
	fmt.Println(d.Effect)
	// Output: allowed
}
