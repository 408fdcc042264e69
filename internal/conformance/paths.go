// SPDX-License-Identifier: Apache-2.0

package conformance

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"

	"github.com/mivet/mivet"
	"github.com/mivet/mivet/arm"
	"github.com/mivet/mivet/authz"
)

const (
	caseContainer = caseGroup + "/providers/Microsoft.Storage/storageAccounts/case/blobServices/default/containers/case"

	answerNoACL = "no ACL needed"
)

// pathInput asks about a path in a storage account with a hierarchical namespace: which
// access list an operation needs at least, or whether the one that is there is enough.
type pathInput struct {
	Operation string          `json:"operation"`
	Role      json.RawMessage `json:"role"` // null: none
	Path      []string        `json:"path"`
	ACL       json.RawMessage `json:"acl"`
	Auth      string          `json:"auth"`
}

// complete returns an error where a part of the question is missing: the least access list
// is told per element of the path, and a case without a role says null.
func (in *pathInput) complete() error {
	return require(
		given{"operation", in.Operation != ""}, given{"path", len(in.Path) > 0 || len(in.ACL) > 0},
		given{"role", len(in.Role) > 0 || in.Auth != ""},
	)
}

// answerPath compares what an operation needs with what a role gives.
func answerPath(_ context.Context, r *Runner, c *Case) (any, error) {
	var in pathInput
	if err := decodeInput(c, &in); err != nil {
		return nil, err
	}
	if err := in.complete(); err != nil {
		return nil, err
	}
	operation, target, err := in.target()
	if err != nil {
		return nil, err
	}
	allowed, err := in.roleGives(r)
	if err != nil {
		return nil, err
	}
	needs := authz.PathNeeds(operation, target, allowed)
	if len(in.ACL) > 0 {
		return in.enough(needs, target)
	}
	if needs == nil {
		return answerNoACL, nil
	}
	return map[string]any{"acl": in.perElement(needs)}, nil
}

// target reads "Read Data.txt" and "List /Oregon/": what is done, and to which path.
func (in *pathInput) target() (authz.PathOperation, string, error) {
	verb, name, _ := strings.Cut(strings.TrimSpace(in.Operation), " ")
	name = strings.TrimPrefix(strings.TrimSpace(name), "to ")
	target := name
	if !strings.HasPrefix(target, "/") {
		target = in.find(name)
	}
	directory := strings.HasSuffix(target, "/")
	switch strings.ToLower(verb) {
	case "read", "get":
		return authz.ReadFile, target, nil
	case "append", "write", "update":
		return authz.AppendFile, target, nil
	case "create":
		return authz.CreateFile, target, nil
	case "delete":
		if directory {
			return authz.DeleteDirectory, target, nil
		}
		return authz.DeleteFile, target, nil
	case "list":
		if !directory {
			target += "/"
		}
		return authz.ListDirectory, target, nil
	}
	return 0, "", &UnsupportedError{fmt.Sprintf("the operation %q on a path", in.Operation)}
}

// find returns the path of an element by its name; a name that is no element lies in the
// root.
func (in *pathInput) find(name string) string {
	var path strings.Builder
	for _, element := range in.Path {
		path.WriteString(element)
		if strings.Trim(element, "/") == strings.Trim(name, "/") {
			return path.String()
		}
	}
	return "/" + name
}

// roleGives says which data actions the caller's role gives on the container.
func (in *pathInput) roleGives(r *Runner) (func(arm.Operation) bool, error) {
	if sharedKey(in.Auth) {
		// Whoever has the key is the super-user
		// (MicrosoftDocs/azure-docs articles/storage/blobs/data-lake-storage-access-control-model.md).
		return func(arm.Operation) bool { return true }, nil
	}
	if in.Auth != "" && !entra(in.Auth) {
		return nil, &UnsupportedError{fmt.Sprintf("the authorization %q", in.Auth)}
	}
	container, err := arm.ParseID(caseContainer)
	if err != nil {
		return nil, err
	}
	w := world{catalog: r.options.Catalog}
	w.snap.Subscriptions = []mivet.Subscription{{ID: container.Subscription()}}
	var role *string
	if len(in.Role) > 0 {
		if err := json.Unmarshal(in.Role, &role); err != nil {
			return nil, fmt.Errorf("reading the role: %w", err)
		}
	}
	if role != nil {
		if err := w.assign(&assignmentInput{Principal: caller, Role: roleInput{name: *role}, Scope: container.String()}); err != nil {
			return nil, err
		}
	}
	engine := authz.New(&w.snap, authz.Options{Catalog: w.catalog})
	return func(op arm.Operation) bool {
		d := engine.Check(authz.Request{Principal: caller, Operation: op, Plane: mivet.PlaneData, Resource: container})
		return d.Effect == authz.Allowed
	}, nil
}

func sharedKey(auth string) bool {
	a := strings.ToLower(strings.NewReplacer(" ", "", "-", "", "_", "").Replace(auth))
	return strings.Contains(a, "sharedkey") || strings.Contains(a, "accountkey")
}

func entra(auth string) bool {
	a := strings.ToLower(auth)
	return strings.Contains(a, "entra") || strings.Contains(a, "oauth") || strings.Contains(a, "aad") || strings.Contains(a, "azure ad")
}

// perElement writes the needs in the order of the case's path: null where none is.
func (in *pathInput) perElement(needs []authz.PathNeed) []any {
	of := map[string]string{}
	for _, n := range needs {
		of[n.Path] = n.Permissions
	}
	out := make([]any, len(in.Path))
	var path strings.Builder
	for i, element := range in.Path {
		path.WriteString(element)
		if p := of[path.String()]; p != "" {
			out[i] = strings.ToUpper(p)
		}
	}
	return out
}

// enough says whether the access list that is there, for one element or for each, meets
// the needs.
func (in *pathInput) enough(needs []authz.PathNeed, target string) (any, error) {
	if needs == nil {
		return answerAllowed, nil
	}
	have, err := in.lists(target)
	if err != nil {
		return nil, err
	}
	for _, n := range needs {
		text, given := have[n.Path]
		if !given && len(have) == 1 {
			continue // one list alone is told: that of the path itself
		}
		met, err := n.MetBy(text)
		if err != nil {
			return nil, err
		}
		if !met {
			return answerNotAllowed, nil
		}
	}
	return answerAllowed, nil
}

// lists reads the access lists by path.
func (in *pathInput) lists(target string) (map[string]string, error) {
	var one string
	if json.Unmarshal(in.ACL, &one) == nil {
		return map[string]string{target: one}, nil
	}
	var each []*string
	if err := json.Unmarshal(in.ACL, &each); err != nil || len(each) != len(in.Path) {
		return nil, &UnsupportedError{"an access list of that form"}
	}
	have, path := map[string]string{}, ""
	for i, element := range in.Path {
		path += element
		have[path] = "---"
		if each[i] != nil {
			have[path] = *each[i]
		}
	}
	return have, nil
}
