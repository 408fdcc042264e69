// SPDX-License-Identifier: Apache-2.0

package conformance

import (
	"cmp"
	"context"
	"fmt"
	"strings"

	"github.com/mivet/mivet"
	"github.com/mivet/mivet/arm"
	"github.com/mivet/mivet/authz"
)

// hsmInput asks what a role gives on a managed HSM: one of the HSM's own, at one of its
// scopes, or one of Azure.
type hsmInput struct {
	LocalRole     string `json:"localRole"`
	Scope         string `json:"scope"`
	Action        string `json:"action"`
	PrincipalRole string `json:"principalRole"`
	Operation     string `json:"operation"`
}

// complete returns an error where a part of the question is missing.
func (in *hsmInput) complete() error {
	return require(
		given{"action", in.Action != "" || in.Operation != ""}, given{"localRole", in.LocalRole != "" || in.PrincipalRole != ""},
		given{"scope", in.Scope != "" || in.PrincipalRole != ""},
	)
}

func answerHSM(_ context.Context, r *Runner, c *Case) (any, error) {
	var in hsmInput
	if err := decodeInput(c, &in); err != nil {
		return nil, err
	}
	if err := in.complete(); err != nil {
		return nil, err
	}
	hsm, err := arm.ParseID(caseHSM)
	if err != nil {
		return nil, err
	}
	w := world{catalog: r.options.Catalog}
	w.snap.Subscriptions = []mivet.Subscription{{ID: hsm.Subscription()}}
	w.snap.Resources = []mivet.Resource{{ID: hsm}}
	op, err := hsmOperation(cmp.Or(in.Action, in.Operation))
	if err != nil {
		return nil, err
	}
	where := hsm
	if in.PrincipalRole != "" {
		name, _, _ := strings.Cut(strings.NewReplacer(" at ", " on ", " of the ", " on ", " over ", " on ").Replace(in.PrincipalRole), " on ")
		err = w.assign(&assignmentInput{Principal: caller, Role: roleInput{name: name}, Scope: hsm.String()})
	} else {
		where, err = w.grantHSM(hsm, in.LocalRole, in.Scope)
	}
	if err != nil {
		return nil, err
	}
	return decisionAnswer(authz.New(&w.snap, authz.Options{Catalog: w.catalog}).Check(authz.Request{
		Principal: caller, Operation: op, Plane: mivet.PlaneData, Resource: where,
	}))
}

// hsmOperation reads an operation, with or without the name of its provider.
func hsmOperation(text string) (arm.Operation, error) {
	if !strings.HasPrefix(strings.ToLower(text), "microsoft.") {
		text = "Microsoft.KeyVault/managedHsm/" + text
	}
	return arm.ParseOperation(text)
}

// grantHSM gives the caller a local role and returns the place that is asked about: the
// scope itself.
func (w *world) grantHSM(hsm arm.ID, role, scope string) (arm.ID, error) {
	id, ok := w.hsmRole(role)
	if !ok {
		return arm.ID{}, fmt.Errorf("the local role %q is not in the catalogue", role)
	}
	w.snap.LocalGrants = []mivet.LocalAssignment{{
		System: mivet.LocalManagedHSM, Account: hsm, Scope: scope, Role: id, Principal: caller,
	}}
	if name, ok := strings.CutPrefix(scope, "/keys/"); ok && name != "" {
		return hsm.Child("keys", name)
	}
	return hsm, nil
}

// hsmRole finds a local role by its ID, or by its name with or without "Managed HSM".
func (w *world) hsmRole(role string) (string, bool) {
	if w.catalog == nil {
		return "", false
	}
	for _, r := range w.catalog.HSMRoles() {
		short := strings.TrimPrefix(r.Name, "Managed HSM ")
		if strings.EqualFold(r.Name, role) || strings.EqualFold(short, role) || strings.EqualFold(r.ID, role) {
			return r.ID, true
		}
	}
	return "", false
}
