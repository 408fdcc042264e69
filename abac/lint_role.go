// SPDX-License-Identifier: Apache-2.0

package abac

import (
	"strings"

	"github.com/mivet/mivet/arm"
)

// The checks of this file ask what the condition does for operations of a role.

const (
	blobs         = "Microsoft.Storage/storageAccounts/blobServices/containers/blobs/"
	blobWrite     = blobs + "write"
	blobAdd       = blobs + "add/action"
	blobSuperUser = blobs + "runAsSuperUser/action"
)

// checkBlobCreate finds conditions on one of the two operations that create a blob.
func checkBlobCreate(l *linter) {
	write, add := operationOf(blobWrite), operationOf(blobAdd)
	if l.ctx.Role == nil || !l.permits(write) || !l.permits(add) {
		return
	}
	targeted, free := write, add
	if !l.c.Targets(write) {
		targeted, free = add, write
	}
	if l.c.Targets(targeted) && !l.c.Targets(free) {
		l.add(Finding{
			ID: "blob-create-untargeted", Severity: Error, At: l.whole(),
			Message: "the condition targets " + targeted.String() + " and not " + free.String() + ", which the role has too",
			Why:     "either of the two creates blobs, so the condition is avoided", Page: pageTroubleshoot,
		})
	}
}

// checkSuperUser finds conditions on blobs that leave out the operation which, with a
// hierarchical namespace, stands for all others.
func checkSuperUser(l *linter) {
	super := operationOf(blobSuperUser)
	if l.ctx.Role == nil || !l.permits(super) || l.ctx.HierarchicalNamespace == False || l.c.Targets(super) {
		return
	}
	f := Finding{
		ID: "super-user-untargeted", Severity: Error, At: l.whole(),
		Message: "the condition does not target " + blobSuperUser + ", which the role has",
		Why:     "in accounts with a hierarchical namespace the condition is not enforced; add the operation",
		Page:    pageBlobExamples,
	}
	if l.ctx.HierarchicalNamespace == Unknown {
		f.Severity = Warning
	}
	for _, verb := range []string{"read", "write", "delete", "add/action"} {
		if l.c.Targets(operationOf(blobs + verb)) {
			l.add(f)
			return
		}
	}
}

func checkUnconditioned(l *linter) {
	if names := l.ctx.Unconditioned; len(names) > 0 {
		l.add(Finding{
			ID: "no-effect", Severity: Warning, At: l.whole(),
			Message: "the same operations are granted without condition by " + strings.Join(names, ", "),
			Why:     "one assignment without condition suffices, so this condition restricts nothing", Page: pageTroubleshoot,
		})
	}
}

// checkAssignmentSources finds attributes of role assignments in the source that the
// operation does not fill: a write has them in Request, a delete in Resource.
func checkAssignmentSources(l *linter) {
	l.checkSource(RoleAssignmentWrite, Resource, Request)
	l.checkSource(RoleAssignmentDelete, Request, Resource)
}

func (l *linter) checkSource(operation string, wrong, right Source) {
	o := operationOf(operation)
	if !l.permits(o) {
		return
	}
	for _, need := range l.c.Residual(&Env{Operation: o}).Needs {
		a := need.Attribute
		if a.Source == wrong && hasKeyPrefix(arm.Fold(a.Name), "microsoft.authorization/roleassignments:") {
			l.add(Finding{
				ID: "assignment-source", Severity: Error, At: a.At,
				Message: a.String() + " is read for " + operation,
				Why:     "there the attributes stand in @" + right.String() + ", so the comparison cannot hold",
				Page:    pageDelegation,
			})
		}
	}
}

// carrier says which operations carry the attributes of a type.
type carrier struct {
	attribute arm.Key // prefix of the attribute's name
	operation arm.Key // prefix of the operations, "" for those of the same provider
}

// carriers lists types whose attributes come with a part of their provider's operations.
// Files and tables carry none, and keys and certificates neither
// (storage-auth-abac-attributes.md, queues-auth-abac-attributes.md, rbac-abac.md).
var carriers = [...]carrier{
	{"microsoft.storage/storageaccounts/blobservices/", "microsoft.storage/storageaccounts/blobservices/"},
	{"microsoft.storage/storageaccounts/queueservices/", "microsoft.storage/storageaccounts/queueservices/"},
	{"microsoft.storage/storageaccounts/encryptionscopes:", "microsoft.storage/storageaccounts/blobservices/"},
	{"microsoft.keyvault/vaults/secrets:", "microsoft.keyvault/vaults/secrets/"},
	{"microsoft.authorization/roleassignments:", "microsoft.authorization/roleassignments/"},
}

// checkCarried finds attributes that no operation of the role carries.
func checkCarried(l *linter) {
	if l.ctx.Role == nil {
		return
	}
	seen := map[arm.Key]bool{}
	l.attributes(func(a Attribute) {
		prefix, ok := carriedBy(a)
		if !ok || seen[prefix] || l.ctx.Role.reaches(prefix) {
			return
		}
		seen[prefix] = true
		l.add(Finding{
			ID: "attribute-not-carried", Severity: Error, At: a.At,
			Message: "no operation of the role carries " + a.String(),
			Why:     "the attribute is always absent, so the comparison cannot hold", Page: pageTroubleshoot,
		})
	})
}

// carriedBy returns the prefix of the operations that can carry an attribute. ok is false
// for attributes that do not belong to a resource provider.
func carriedBy(a Attribute) (prefix arm.Key, ok bool) {
	name := arm.Fold(a.Name)
	provider, _, found := strings.Cut(string(name), "/")
	if !found || a.Source == Principal || a.Source == Environment {
		return "", false
	}
	for _, c := range carriers {
		if hasKeyPrefix(name, c.attribute) {
			return c.operation, true
		}
	}
	return arm.Key(provider + "/"), true
}

// reaches reports whether an action or data action of the role can match an operation that
// starts so.
func (p *Permissions) reaches(prefix arm.Key) bool {
	return anyReaches(p.Actions, prefix) || anyReaches(p.DataActions, prefix)
}

func anyReaches(patterns []arm.Pattern, prefix arm.Key) bool {
	for _, p := range patterns {
		if hasKeyPrefix(p.Prefix(), prefix) || p.Wildcards() > 0 && hasKeyPrefix(prefix, p.Prefix()) {
			return true
		}
	}
	return false
}

func checkGUIDOnStorage(l *linter) {
	if l.ctx.Role == nil || !hasPattern(l.ctx.Role.DataActions, "microsoft.storage/") {
		return
	}
	l.compares(func(leaf *leaf, e *Compare) {
		if leaf.kind == compareLeaf && leaf.op.family == ofGUID {
			l.add(Finding{
				ID: "guid-on-storage", Severity: Error, At: e.At,
				Message: operatorText(e) + " is used with a role that has data actions of Microsoft.Storage",
				Why:     "storage requests then fail with AuthorizationFailed", Page: pageErrors,
			})
		}
	})
}

func hasPattern(patterns []arm.Pattern, prefix arm.Key) bool {
	for _, p := range patterns {
		if hasKeyPrefix(p.Prefix(), prefix) {
			return true
		}
	}
	return false
}

// grantors are the roles that may assign every role.
var grantors = [...]struct{ id, name string }{
	{"8e3af657-a8ff-443c-a75c-2fe8c4bcb635", "Owner"},
	{"18d7d88d-d35e-4fb5-a5c3-7773c20a72d9", "User Access Administrator"},
	{"f58310d9-a9f6-439a-9e8d-f62e7b41a168", "Role Based Access Control Administrator"},
}

// checkGrantable finds conditions that let the delegate hand on the right to assign roles.
func checkGrantable(l *linter) {
	if !l.permits(operationOf(RoleAssignmentWrite)) {
		return
	}
	var sure, possible []string
	for _, g := range grantors {
		switch l.c.Eval(RoleAssignment{RoleDefinitionID: g.id}.WriteEnv()) {
		case True:
			sure = append(sure, g.name)
		case Unknown:
			possible = append(possible, g.name)
		default:
		}
	}
	f := Finding{ID: "grantor-role-grantable", At: l.whole(), Page: pageDelegate}
	if len(sure) > 0 {
		f.Severity, f.Message = Error, "the condition lets anyone be given "+strings.Join(sure, ", ")
		f.Why = "who holds such a role can assign every role; exclude it"
		l.add(f)
	}
	if len(possible) > 0 {
		f.Severity, f.Message = Warning, "the condition lets some be given "+strings.Join(possible, ", ")
		f.Why = "who holds such a role can assign every role; whether it is given hangs on more than the role"
		l.add(f)
	}
}
