// SPDX-License-Identifier: Apache-2.0

package conformance

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/mivet/mivet"
	"github.com/mivet/mivet/abac"
	"github.com/mivet/mivet/arm"
	"github.com/mivet/mivet/authz"
)

// The vault and the managed HSM that cases speak of without naming them.
const (
	caseGroup = "/subscriptions/case/resourceGroups/case"
	caseVault = caseGroup + "/providers/Microsoft.KeyVault/vaults/case"
	caseHSM   = caseGroup + "/providers/Microsoft.KeyVault/managedHSMs/case"

	vaultOperations = "Microsoft.KeyVault/vaults/"
	caller          = "caller"
)

// vaultInput asks about one key vault: what somebody can do there, directly or in steps,
// or which permission model a new one gets.
type vaultInput struct {
	Vault           *vaultModel       `json:"vault"`
	Principal       string            `json:"principal"`
	Operation       string            `json:"operation"`
	RoleAssignments []assignmentInput `json:"roleAssignments"`

	PrincipalRole string  `json:"principalRole"`
	DataRole      *string `json:"dataRole"`
	Attempt       string  `json:"attempt"`

	CreateWithAPIVersion    string          `json:"createWithApiVersion"`
	EnableRBACAuthorization json.RawMessage `json:"enableRbacAuthorization"`
}

type vaultModel struct {
	EnableRBACAuthorization *bool         `json:"enableRbacAuthorization"`
	AccessPolicies          []policyInput `json:"accessPolicies"`
}

type policyInput struct {
	ObjectID      string `json:"objectId"`
	TenantID      string `json:"tenantId"`
	ApplicationID string `json:"applicationId"`
	Permissions   struct {
		Keys         []string `json:"keys"`
		Secrets      []string `json:"secrets"`
		Certificates []string `json:"certificates"`
		Storage      []string `json:"storage"`
	} `json:"permissions"`
}

func answerVault(_ context.Context, r *Runner, c *Case) (any, error) {
	var in vaultInput
	if err := decodeInput(c, &in); err != nil {
		return nil, err
	}
	if in.CreateWithAPIVersion != "" {
		return in.newModel()
	}
	if err := in.complete(); err != nil {
		return nil, err
	}
	v := vaultWorld{world: world{catalog: r.options.Catalog}, who: mivet.PrincipalID(in.Principal)}
	if err := v.build(&in); err != nil {
		return nil, err
	}
	if in.Attempt != "" {
		return v.attempt(in.Attempt)
	}
	return v.may(in.Operation)
}

// complete returns an error where a part of the question is missing: what is done, and by
// whom. An access policy and a role assignment must say whose they are.
func (in *vaultInput) complete() error {
	fields := []given{{"operation", in.Operation != "" || in.Attempt != ""}, {"principal", in.Principal != "" || in.PrincipalRole != ""}}
	if in.Vault != nil {
		for _, p := range in.Vault.AccessPolicies {
			fields = append(fields, given{"objectId", p.ObjectID != ""})
		}
	}
	return require(fields...)
}

// newModel names the permission model that a new vault gets.
func (in *vaultInput) newModel() (any, error) {
	switch string(in.EnableRBACAuthorization) {
	case "true":
		return "rbac", nil
	case "false":
		return "accessPolicy", nil
	case "", "null", `"(unset)"`, `"unset"`:
		if authz.VaultRoleBased(in.CreateWithAPIVersion) {
			return "rbac", nil
		}
		return "accessPolicy", nil
	}
	return nil, &UnsupportedError{"enableRbacAuthorization " + string(in.EnableRBACAuthorization)}
}

// vaultWorld is the closed world of a case about a vault.
type vaultWorld struct {
	world
	vault arm.ID
	// secret is the one at which a role is held; zero where none is.
	secret arm.ID
	who    mivet.PrincipalID
}

func (v *vaultWorld) build(in *vaultInput) error {
	if v.who == "" {
		v.who = caller
	}
	if err := v.found(in); err != nil {
		return err
	}
	for i := range in.RoleAssignments {
		if in.RoleAssignments[i].Scope == "" {
			in.RoleAssignments[i].Scope = v.vault.String()
		}
		if err := v.assign(&in.RoleAssignments[i]); err != nil {
			return fmt.Errorf("reading role assignment %d: %w", i, err)
		}
	}
	if in.PrincipalRole != "" {
		if err := v.give(in.PrincipalRole); err != nil {
			return err
		}
	}
	if in.DataRole != nil {
		return v.give(*in.DataRole)
	}
	return nil
}

// placed finds where the vault is. It has the name that an assignment gives it, if one
// does. Otherwise it lies below the scopes of the assignments: the documentation of the
// cases says that they are on the vault. Scopes of which none contains the other leave it
// open which of them the vault is below.
func (v *vaultWorld) placed(in *vaultInput) error {
	var err error
	if v.vault, err = arm.ParseID(caseVault); err != nil {
		return err
	}
	var lowest arm.ID
	for i := range in.RoleAssignments {
		scope, err := arm.ParseID(in.RoleAssignments[i].Scope)
		if err != nil {
			continue // assigning says so
		}
		if vault := vaultOf(scope); !vault.IsZero() {
			v.vault = vault
			return nil
		}
		switch {
		case lowest.IsZero() || lowest.Contains(scope):
			lowest = scope
		case !scope.Contains(lowest):
			return &UnsupportedError{fmt.Sprintf("a vault that may be below %s or below %s", lowest, scope)}
		}
	}
	return v.below(lowest)
}

// vaultOf returns the vault that a scope is or is in; zero for another scope.
func vaultOf(scope arm.ID) arm.ID {
	for id := scope; !id.IsZero(); id = id.Parent() {
		if strings.EqualFold(id.Type(), "Microsoft.KeyVault/vaults") {
			return id
		}
	}
	return arm.ID{}
}

// below gives a vault without a name its place.
func (v *vaultWorld) below(scope arm.ID) error {
	var err error
	switch scope.Level() {
	case arm.LevelSubscription:
		v.vault, err = arm.ParseID(scope.String() + caseVault[len("/subscriptions/case"):])
	case arm.LevelResourceGroup:
		v.vault, err = arm.ParseID(scope.String() + caseVault[len(caseGroup):])
	case arm.LevelManagementGroup, arm.LevelResource:
		return &UnsupportedError{fmt.Sprintf("a vault of which nobody says that it is below %s", scope)}
	default:
	}
	return err
}

// found makes the vault with its model and access policies.
func (v *vaultWorld) found(in *vaultInput) error {
	if err := v.placed(in); err != nil {
		return err
	}
	model := ""
	if in.Vault != nil {
		model = "null"
		if b := in.Vault.EnableRBACAuthorization; b != nil {
			model = fmt.Sprint(*b)
		}
		for _, p := range in.Vault.AccessPolicies {
			v.snap.AccessPolicies = append(v.snap.AccessPolicies, mivet.AccessPolicy{
				Vault: v.vault, Principal: mivet.PrincipalID(p.ObjectID), ApplicationID: p.ApplicationID, TenantID: p.TenantID,
				Keys: p.Permissions.Keys, Secrets: p.Permissions.Secrets,
				Certificates: p.Permissions.Certificates, Storage: p.Permissions.Storage,
			})
		}
	}
	v.snap.Subscriptions = []mivet.Subscription{{ID: v.vault.Subscription()}}
	v.snap.Resources = []mivet.Resource{{ID: v.vault, Detail: &mivet.Detail{Settings: map[string]string{}}}}
	if model != "" {
		v.snap.Resources[0].Detail.Settings["enableRbacAuthorization"] = model
	}
	return nil
}

// give assigns the caller a role that is held somewhere: "Contributor on the vault".
func (v *vaultWorld) give(words string) error {
	role, scope := words, v.vault
	for _, preposition := range []string{" on ", " at ", " over ", " of the "} {
		name, where, found := strings.Cut(words, preposition)
		if !found {
			continue
		}
		switch role = name; {
		case strings.Contains(where, "subscription"):
			scope = v.vault.Subscription()
		case strings.Contains(where, "group"):
			scope = v.vault.ResourceGroupID()
		case strings.Contains(where, "secret"):
			var err error
			if scope, err = v.vault.Child("secrets", "case"); err != nil {
				return err
			}
			v.secret = scope
		case !strings.Contains(where, "vault"):
			return &UnsupportedError{fmt.Sprintf("a role that is held %q", where)}
		}
	}
	return v.assign(&assignmentInput{Principal: string(v.who), Role: roleInput{name: strings.TrimSpace(role)}, Scope: scope.String()})
}

// may says whether the caller has an operation, given as a permission of an access list
// or as an operation.
func (v *vaultWorld) may(permission string) (any, error) {
	if told := permissionInWords(strings.ToLower(permission)); told != "" && !strings.Contains(permission, "/") {
		permission = told
	}
	op, ok := authz.VaultOperation(permission)
	plane := mivet.PlaneData
	if !ok {
		var err error
		if op, err = arm.ParseOperation(permission); err != nil || !strings.Contains(op.Provider(), ".") {
			return nil, &UnsupportedError{fmt.Sprintf("the operation %q", permission)}
		}
		plane = mivet.PlaneUnknown
	}
	d := v.check(op, plane, nil)
	if d.Effect == authz.Unknown && ok && v.listBased() {
		// What the engine cannot tell of an operation, the words of the list do.
		if v.listed(permission) {
			return answerAllowed, nil
		}
		return answerNotAllowed, nil
	}
	return decisionAnswer(d)
}

func (v *vaultWorld) check(op arm.Operation, plane mivet.Plane, given *abac.Env) authz.Decision {
	if given == nil {
		in := decisionInput{}
		if env, err := in.environment(v.texts, false); err == nil {
			given = env
		}
	}
	return authz.New(&v.snap, authz.Options{Catalog: v.catalog}).Check(authz.Request{
		Principal: v.who, Operation: op, Plane: plane, Resource: v.asked(op), Given: given,
	})
}

// asked is the resource of a question: the vault, or the secret at which a role is held,
// for what is done to a single secret. Listing is asked of the vault.
func (v *vaultWorld) asked(op arm.Operation) arm.ID {
	name := strings.ToLower(op.String())
	if v.secret.IsZero() || !strings.HasPrefix(name, strings.ToLower(vaultOperations)+"secrets/") || strings.HasSuffix(name, "/readmetadata/action") {
		return v.vault
	}
	return v.secret
}

func (v *vaultWorld) roleBased() bool {
	value, _ := v.snap.Resources[0].Setting("enableRbacAuthorization")
	return value == "true"
}

// listBased reports whether access policies decide. A case that tells nothing of its vault
// leaves both open.
func (v *vaultWorld) listBased() bool {
	value, known := v.snap.Resources[0].Setting("enableRbacAuthorization")
	return known && value != "true"
}

// listed reports whether an access policy of the caller has the very word. An entry for
// an application counts only for users who come through it.
func (v *vaultWorld) listed(permission string) bool {
	list, word, _ := strings.Cut(strings.ToLower(permission), "/")
	for _, p := range v.snap.AccessPolicies {
		if p.Principal != v.who || p.ApplicationID != "" {
			continue
		}
		words := map[string][]string{"keys": p.Keys, "secrets": p.Secrets, "certificates": p.Certificates, "storage": p.Storage}[list]
		if slices.ContainsFunc(words, func(w string) bool { return strings.EqualFold(w, word) }) {
			return true
		}
	}
	return false
}

// attempt follows steps such as "grant itself an access policy, then get secret". It is
// allowed if each step is, in the world that the steps before it made.
func (v *vaultWorld) attempt(text string) (any, error) {
	for step := range strings.SplitSeq(strings.NewReplacer(" and then ", ";", ", then ", ";", " then ", ";", ",", ";").Replace(text), ";") {
		if step = strings.TrimSpace(strings.ToLower(step)); step == "" {
			continue
		}
		answer, err := v.step(step)
		if err != nil || answer != answerAllowed {
			return answer, err
		}
	}
	return answerAllowed, nil
}

// step does one step and changes the world accordingly.
func (v *vaultWorld) step(step string) (any, error) {
	says := func(words ...string) bool {
		return slices.ContainsFunc(words, func(w string) bool { return strings.Contains(step, w) })
	}
	switch {
	case switchesModel(step):
		return v.switchModel(step)
	case says("access polic", "access list"):
		return v.writePolicy()
	case says("role", "assign"):
		return v.assignItself(step)
	case says("arm", "resource manager", "template") && says("secret") && says("write", "set", "create", "deploy"):
		return v.control("secrets/write")
	case says("delete") && says("vault"):
		return v.control("delete")
	}
	if permission := permissionInWords(step); permission != "" {
		return v.may(permission)
	}
	return nil, &UnsupportedError{fmt.Sprintf("the step %q", step)}
}

// switchesModel reports whether a step changes what decides on the vault. Such a step may
// name access policies, as what it comes from or goes to.
func switchesModel(step string) bool {
	w := words(step)
	if w.says("enablerbacauthorization", "switch") {
		return true
	}
	changes := w.says("change", "convert", "migrate", "flip", "turn", "set ", "move")
	return changes && w.says("model", "to access polic", "to rbac", "to azure rbac", "to role-based", "to vault access polic")
}

// modelInWords says whether roles decide on a vault after a step, if the step tells.
func modelInWords(step string) (roleBased, told bool) {
	target := words(step)
	for _, cut := range []string{" to ", "=", " from "} {
		before, after, found := strings.Cut(string(target), cut)
		switch {
		case found && cut == " from ":
			target = words(before)
		case found:
			target = words(after)
		}
	}
	roles, lists := target.says("rbac", "role", "true", "on"), target.says("polic", "access list", "false", "off")
	if words(step).says("disable") {
		roles, lists = false, roles
	}
	return roles, roles != lists
}

// permissionInWords reads "get secret" as "secrets/get"; "" where it is none.
func permissionInWords(step string) string {
	for _, object := range []string{"secret", "certificate", "key"} {
		if !strings.Contains(step, object) {
			continue
		}
		for word := range strings.FieldsSeq(step) {
			switch word {
			case "get", "list", "set", "delete", "purge", "sign", "verify", "encrypt", "decrypt", "backup", "restore", "recover":
				return object + "s/" + word
			case "read":
				return object + "s/get"
			case "write":
				return object + "s/set"
			}
		}
	}
	return ""
}

// control asks for an operation of Resource Manager on the vault.
func (v *vaultWorld) control(name string) (any, error) {
	op, err := arm.ParseOperation(vaultOperations + name)
	if err != nil {
		return nil, err
	}
	return decisionAnswer(v.check(op, mivet.PlaneControl, nil))
}

// writePolicy gives the caller everything by an access policy, if it may write any.
func (v *vaultWorld) writePolicy() (any, error) {
	answer, err := v.control("accessPolicies/write")
	if err != nil || answer != answerAllowed {
		if answer, err = v.control("write"); err != nil || answer != answerAllowed {
			return answer, err
		}
	}
	v.snap.AccessPolicies = append(v.snap.AccessPolicies, mivet.AccessPolicy{
		Vault: v.vault, Principal: v.who, Keys: []string{"all"}, Secrets: []string{"all"}, Certificates: []string{"all"},
	})
	return answer, nil
}

// switchModel turns the vault to the other model. Microsoft's pages disagree on whether
// writing the vault is enough; with the right to assign roles beside it, it is.
func (v *vaultWorld) switchModel(step string) (any, error) {
	answer, err := v.control("write")
	if err != nil || answer != answerAllowed {
		return answer, err
	}
	grants, err := v.mayAssign(ownerRole)
	if err != nil || grants != answerAllowed {
		return nil, errors.Join(err, errors.New("pages disagree on who may switch the permission model"))
	}
	if !v.roleBased() && !v.listBased() {
		return nil, &MissingError{"vault"}
	}
	roles, told := modelInWords(step)
	if !told {
		roles = v.listBased()
	}
	v.snap.Resources[0].Detail = &mivet.Detail{Settings: map[string]string{"enableRbacAuthorization": fmt.Sprint(roles)}}
	return answer, nil
}

const ownerRole mivet.RoleID = "8e3af657-a8ff-443c-a75c-2fe8c4bcb635"

// mayAssign says whether the caller may assign itself a role at the vault.
func (v *vaultWorld) mayAssign(role mivet.RoleID) (any, error) {
	op, err := arm.ParseOperation("Microsoft.Authorization/roleAssignments/write")
	if err != nil {
		return nil, err
	}
	request := abac.RoleAssignment{RoleDefinitionID: string(role), PrincipalID: string(v.who), PrincipalType: string(mivet.TypeUser)}
	return decisionAnswer(v.check(op, mivet.PlaneControl, request.WriteEnv()))
}

// assignItself gives the caller a role that the step names, by default one with all data
// operations of the vault.
func (v *vaultWorld) assignItself(step string) (any, error) {
	name := "Key Vault Administrator"
	if v.catalog != nil {
		for _, r := range v.catalog.Roles() {
			if strings.HasPrefix(r.Name, "Key Vault ") && strings.Contains(step, strings.ToLower(r.Name)) {
				name = r.Name
			}
		}
	}
	role, err := v.role(&roleInput{name: name})
	if err != nil {
		return nil, err
	}
	answer, err := v.mayAssign(role)
	if err != nil || answer != answerAllowed {
		return answer, err
	}
	return answer, v.give(name)
}
