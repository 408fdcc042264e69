// SPDX-License-Identifier: Apache-2.0

package lab

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"

	"github.com/mivet/mivet"
	"github.com/mivet/mivet/abac"
	"github.com/mivet/mivet/arm"
	"github.com/mivet/mivet/authz"
)

// armFault is a request to Resource Manager that is refused.
type armFault struct {
	status        int
	code, message string
	// decision is set where authorization refused.
	decision string
}

func fault(status int, code, format string, args ...any) *armFault {
	return &armFault{status: status, code: code, message: fmt.Sprintf(format, args...)}
}

// changes reports whether a request to Resource Manager writes.
func changes(r *http.Request) bool {
	switch r.Method {
	case http.MethodPut, http.MethodPatch, http.MethodDelete:
		return true
	}
	return r.Method == http.MethodPost && strings.HasSuffix(strings.ToLower(r.URL.Path), "/purge")
}

// keepBody reads the body of a request, so that a slow sender keeps no writer waiting.
func keepBody(r *http.Request) error {
	b, err := io.ReadAll(r.Body)
	if err != nil {
		return fmt.Errorf("reading the request: %w", err)
	}
	r.Body = io.NopCloser(bytes.NewReader(b))
	return nil
}

// modify answers a request that writes. The lock of writers is held.
func (q *armRequest) modify() {
	body := object{}
	if q.r.Method == http.MethodPut || q.r.Method == http.MethodPatch {
		if err := json.NewDecoder(q.r.Body).Decode(&body); err != nil {
			writeError(q.w, http.StatusBadRequest, "InvalidRequestContent", fmt.Sprintf("The request content was invalid and could not be deserialized: '%v'.", err))
			return
		}
	}
	if f := q.apply(body); f != nil {
		if f.decision != "" {
			q.w.Header().Set(decisionHeader, f.decision)
		}
		writeError(q.w, f.status, f.code, f.message)
	}
}

// apply finds out what is written.
func (q *armRequest) apply(body object) *armFault {
	parts := strings.Split(strings.Trim(q.path, "/"), "/")
	if len(parts) == 4 && strings.EqualFold(parts[0], "subscriptions") && strings.EqualFold(parts[2], "resourceGroups") {
		id := mustID(q.path)
		switch {
		case id.IsZero():
			return fault(http.StatusBadRequest, "InvalidResourceGroup", "The provided resource group name '%s' has these invalid characters.", parts[3])
		case q.s.world.find(id.Subscription()) == nil:
			return fault(http.StatusNotFound, "SubscriptionNotFound", "The subscription '%s' could not be found.", parts[1])
		case q.r.Method == http.MethodDelete:
			return q.deleteThing(id, groupType)
		}
		return q.putGroup(id, body)
	}
	t, ok := parseTarget(q.path)
	if ok && q.r.Method == http.MethodPost && strings.EqualFold(t.typ, deletedVaultType+"/purge") {
		return q.purgeVault(t.scope.Subscription(), t.parent.Name())
	}
	if !ok || t.name == "" || q.r.Method == http.MethodPost {
		return fault(http.StatusMethodNotAllowed, "MethodNotAllowed", "The lab has no %s %s.", q.r.Method, q.path)
	}
	if !q.scopeExists(t.scope) {
		return nil // it has answered
	}
	if write, ok := writers[strings.ToLower(t.typ)]; ok {
		return write(q, t, body)
	}
	if _, own := ownCollections[strings.ToLower(t.typ)]; own || collections[strings.ToLower(t.typ)] != nil {
		return fault(http.StatusMethodNotAllowed, "MethodNotAllowed", "The lab serves %s as the input has them: it has no %s of them.", t.typ, q.r.Method)
	}
	if q.r.Method == http.MethodDelete {
		return q.deleteThing(mustID(q.path), t.typ)
	}
	return q.putResource(t, body)
}

// writers are the types that are facts of their own.
var writers = map[string]func(*armRequest, target, object) *armFault{
	"microsoft.authorization/roleassignments":                                       (*armRequest).writeAssignment,
	"microsoft.authorization/roledefinitions":                                       (*armRequest).writeDefinition,
	"microsoft.authorization/denyassignments":                                       (*armRequest).writeDeny,
	"microsoft.authorization/locks":                                                 (*armRequest).writeLock,
	"microsoft.managedidentity/userassignedidentities/federatedidentitycredentials": (*armRequest).writeFederated,
	"microsoft.keyvault/vaults/accesspolicies":                                      (*armRequest).writePolicies,
	"microsoft.web/sites/config":                                                    (*armRequest).writeSiteConfig,
	"microsoft.web/sites/slots/config":                                              (*armRequest).writeSiteConfig,
}

// publish makes the next state of the world and goes on with it. The lock of writers is
// held already.
func (q *armRequest) publish(edit func(d *draft)) {
	if err := q.s.Server.publish(func(d *draft) error { edit(d); return nil }); err != nil {
		writeError(q.w, http.StatusInternalServerError, "InternalServerError", err.Error())
		return
	}
	q.s = q.s.view()
}

// mayWrite decides whether the caller may change something, and whether a lock keeps
// everybody from it.
func (q *armRequest) mayWrite(operation string, at arm.ID, deleting bool) *armFault {
	if f := q.mayGiven(operation, at, nil); f != nil {
		return f
	}
	return q.locked(at, deleting)
}

// mayGiven decides with what is known of the request.
func (q *armRequest) mayGiven(operation string, at arm.ID, given *abac.Env) *armFault {
	q.asked = asked{check: check{operation: operation, scope: at, granted: true}, target: mustID(q.path)}
	if q.asked.target.IsZero() {
		q.asked.target = at
	}
	if q.c.operator {
		return nil
	}
	op, err := arm.ParseOperation(operation)
	if err != nil {
		return fault(http.StatusBadRequest, "InvalidResourceType", "%v", err)
	}
	e := q.s.world.engine
	r := authz.Request{Principal: q.c.principal, Operation: op, Plane: mivet.PlaneControl, Resource: at, Given: given, At: q.s.now()}
	d := e.Check(r)
	q.asked.decision, q.asked.granted = d, d.Effect == authz.Allowed
	if _, q.asked.evidence = q.s.world.evidence(d); q.asked.granted {
		return nil
	}
	f := fault(http.StatusForbidden, "AuthorizationFailed",
		"The client '%s' with object id '%s' does not have authorization to perform action '%s' over scope '%s' or the scope is invalid. If access was recently granted, please refresh your credentials.",
		q.c.AppID, q.c.OID, operation, at)
	f.decision = d.Effect.String() + ": " + d.Cause.String()
	switch {
	case d.Cause == authz.CauseDeny && d.Fact >= 0:
		deny := &q.s.world.snap.DenyAssignments[d.Fact]
		f.code = "DenyAssignmentAuthorizationFailed"
		f.message = fmt.Sprintf("The client '%s' with object id '%s' has permission to perform action '%s' on scope '%s'; however, the access is denied because of the deny assignment with name '%s' and Id '%s' at scope '%s'.",
			q.c.AppID, q.c.OID, operation, at, deny.Name, strings.ReplaceAll(q.s.world.denyID(d.Fact).Name(), "-", ""), deny.Scope)
	case given != nil && slices.ContainsFunc(e.Explain(r).Reasons, func(r authz.Reason) bool { return r.Outcome == authz.ConditionFails }):
		f.message = fmt.Sprintf("The client '%s' with object id '%s' has an authorization with ABAC condition that is not fulfilled to perform action '%s' over path '%s'.", q.c.AppID, q.c.OID, operation, at)
	}
	return f
}

// locked refuses what a lock at the scope or above keeps everybody from
// (learn.microsoft.com/azure/azure-resource-manager/management/lock-resources).
func (q *armRequest) locked(at arm.ID, deleting bool) *armFault {
	return q.lockedBy(at, deleting, func(l *mivet.Lock) bool { return l.Scope.Contains(at) })
}

func (q *armRequest) lockedBy(at arm.ID, deleting bool, bears func(*mivet.Lock) bool) *armFault {
	var scopes []string
	for i := range q.s.world.snap.Locks {
		l := &q.s.world.snap.Locks[i]
		if bears(l) && (deleting || strings.EqualFold(l.Level, "ReadOnly")) {
			scopes = append(scopes, l.Scope.String())
		}
	}
	if len(scopes) == 0 {
		return nil
	}
	what := "write"
	if deleting {
		what = "delete"
	}
	return fault(http.StatusConflict, "ScopeLocked", "The scope '%s' cannot perform %s operation because following scope(s) are locked: '%s'. Please remove the lock and try again.", at, what, strings.Join(scopes, ","))
}

// begun remembers an operation, which is over at once, and returns where that is told.
func (q *armRequest) begun(id arm.ID) string {
	name := guidOf("operation", randomText(16))
	q.s.pending.Store(name, true)
	return fmt.Sprintf("%s%s/providers/Microsoft.Resources/operationStatuses/%s?api-version=%s", q.s.URL(), id.Subscription(), name, q.query.Get("api-version"))
}

// operationStatus answers how an operation stands.
func (q *armRequest) operationStatus(t target) {
	if _, ok := q.s.pending.Load(strings.ToLower(t.name)); !ok {
		writeError(q.w, http.StatusNotFound, "OperationNotFound", fmt.Sprintf("The operation '%s' was not found.", t.name))
		return
	}
	q.write(object{"id": q.path, "name": t.name, "status": "Succeeded"})
}
