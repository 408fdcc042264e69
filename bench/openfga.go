// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"fmt"
	"slices"
	"strings"

	openfgav1 "github.com/openfga/api/proto/openfga/v1"
	"github.com/openfga/language/pkg/go/transformer"
	"github.com/openfga/openfga/pkg/server"
	"github.com/openfga/openfga/pkg/storage/memory"
)

// OpenFGA: scopes with a parent, groups with members, and a relation per operation, which
// a principal has directly or from the parent. An assignment becomes a tuple for each of
// the listed operations that its role gives: with a relation per role, or with roles as
// objects, one check takes more lookups and is slower. So a change of a role means new
// tuples, wildcards and notActions are exact for the closed list only, and the role is
// gone from the answer. Deny assignments could be "but not" relations per operation;
// Azure's conditions have no form. The server runs in the process with its memory store,
// which goes through all tuples for each lookup, and without caches: a database with
// indexes would scale better with the number of tuples and cost a round trip per lookup.
const openfgaTypes = `model
  schema 1.1
type principal
type group
  relations
    define member: [principal, group#member]
type scope
  relations
    define parent: [scope]
`

// openfgaWrite is how many tuples the server takes at once.
const openfgaWrite = 100

func openfgaRelation(op int) string { return fmt.Sprintf("can_%d", op) }

// openfgaScope names a scope: a colon or a slash is refused in an ID, so it is a number.
func openfgaScope(i int) string { return fmt.Sprintf("scope:s%d", i) }

func openfgaModel(t *tenant) string {
	var b strings.Builder
	b.WriteString(openfgaTypes)
	for i := range t.operations {
		r := openfgaRelation(i)
		fmt.Fprintf(&b, "    define %s: [principal, group#member] or %s from parent\n", r, r)
	}
	return b.String()
}

// An openfgaStore is a server with one store and one model.
type openfgaStore struct {
	server       *server.Server
	store, model string
}

func newOpenFGA(ctx context.Context, t *tenant) (*openfgaStore, error) {
	s, err := server.NewServerWithOpts(server.WithDatastore(memory.New()))
	if err != nil {
		return nil, fmt.Errorf("starting the server: %w", err)
	}
	made, err := s.CreateStore(ctx, &openfgav1.CreateStoreRequest{Name: "race"})
	if err != nil {
		return nil, fmt.Errorf("creating a store: %w", err)
	}
	model, err := transformer.TransformDSLToProto(openfgaModel(t))
	if err != nil {
		return nil, fmt.Errorf("reading the model: %w", err)
	}
	written, err := s.WriteAuthorizationModel(ctx, &openfgav1.WriteAuthorizationModelRequest{
		StoreId: made.GetId(), SchemaVersion: model.GetSchemaVersion(), TypeDefinitions: model.GetTypeDefinitions(),
	})
	if err != nil {
		return nil, fmt.Errorf("writing the model: %w", err)
	}
	return &openfgaStore{server: s, store: made.GetId(), model: written.GetAuthorizationModelId()}, nil
}

func (o *openfgaStore) write(ctx context.Context, tuples []*openfgav1.TupleKey) error {
	for part := range slices.Chunk(tuples, openfgaWrite) {
		_, err := o.server.Write(ctx, &openfgav1.WriteRequest{
			StoreId: o.store, AuthorizationModelId: o.model, Writes: &openfgav1.WriteRequestWrites{TupleKeys: part},
		})
		if err != nil {
			return fmt.Errorf("writing tuples: %w", err)
		}
	}
	return nil
}

func openfgaTuples(t *tenant) []*openfgav1.TupleKey {
	var tuples []*openfgav1.TupleKey
	seen := map[string]bool{}
	add := func(user, relation, object string) {
		if key := user + " " + relation + " " + object; !seen[key] {
			seen[key] = true
			tuples = append(tuples, &openfgav1.TupleKey{User: user, Relation: relation, Object: object})
		}
	}
	groups := map[string]bool{}
	for _, m := range t.members {
		groups[m.group] = true
	}
	for _, m := range t.members {
		add(openfgaUser(m.member, groups[m.member]), "member", "group:"+m.group)
	}
	for i := range t.scopes {
		if p := t.scopes[i].parent; p >= 0 {
			add(openfgaScope(p), "parent", openfgaScope(i))
		}
	}
	gives := t.expand()
	for _, a := range t.assignments {
		for op, given := range gives[a.role] {
			if given {
				add(openfgaUser(a.principal, a.group), openfgaRelation(op), openfgaScope(a.scope))
			}
		}
	}
	return tuples
}

func openfgaUser(name string, group bool) string {
	if group {
		return "group:" + name + "#member"
	}
	return "principal:" + name
}

func loadOpenFGA(t *tenant, qs []question) (asker, error) {
	ctx := context.Background()
	o, err := newOpenFGA(ctx, t)
	if err != nil {
		return nil, err
	}
	if err := o.write(ctx, openfgaTuples(t)); err != nil {
		return nil, err
	}
	asked := make([]*openfgav1.CheckRequest, len(qs))
	for i, q := range qs {
		asked[i] = &openfgav1.CheckRequest{
			StoreId: o.store, AuthorizationModelId: o.model,
			TupleKey: &openfgav1.CheckRequestTupleKey{
				User: openfgaUser(q.principal, false), Relation: openfgaRelation(q.operation), Object: openfgaScope(q.resource),
			},
		}
	}
	return func(i int) (bool, error) {
		answer, err := o.server.Check(ctx, asked[i])
		if err != nil {
			return false, fmt.Errorf("checking: %w", err)
		}
		return answer.GetAllowed(), nil
	}, nil
}
