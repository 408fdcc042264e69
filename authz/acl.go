// SPDX-License-Identifier: Apache-2.0

package authz

import (
	"fmt"
	"strings"

	"github.com/mivet/mivet/arm"
)

// Access lists of paths in storage accounts with a hierarchical namespace come after role
// assignments and their conditions, and only add: what a role gives they cannot take away
// (MicrosoftDocs/azure-docs articles/storage/blobs/data-lake-storage-access-control-model.md,
// "How permissions are evaluated"). The least permissions per operation are that page's
// table; who gets which is the algorithm of data-lake-storage-access-control.md.

// PathOperation is something that can be done to a path.
type PathOperation uint8

// The operations of the permissions table, and the deletion of a whole directory
// (data-lake-storage-access-control.md, "Common questions about ACLs").
const (
	ReadFile        PathOperation = iota
	AppendFile                    // append to a file that exists
	CreateFile                    // create a file or directory, or replace a file
	DeleteFile                    // delete a file
	ListDirectory                 // list what is in a directory
	DeleteDirectory               // delete a directory and everything in it
)

var pathOperationNames = [...]string{"read", "append", "create", "delete", "list", "delete recursively"}

// String returns the operation in a word.
func (o PathOperation) String() string {
	if int(o) < len(pathOperationNames) {
		return pathOperationNames[o]
	}
	return "invalid"
}

// The data actions of blobs.
const (
	blobOperations = "Microsoft.Storage/storageAccounts/blobServices/containers/blobs/"
	blobRead       = blobOperations + "read"
	blobWrite      = blobOperations + "write"
	blobAdd        = blobOperations + "add/action"
	blobDelete     = blobOperations + "delete"
	blobSuperUser  = blobOperations + "runAsSuperUser/action"
)

// rwx is a set of permissions.
type rwx uint8

const (
	permX rwx = 1 << iota
	permW
	permR
)

// String returns three letters, as in "r-x".
func (p rwx) String() string {
	out := []byte("---")
	for i, bit := range [...]rwx{permR, permW, permX} {
		if p&bit != 0 {
			out[i] = "rwx"[i]
		}
	}
	return string(out)
}

// parseRWX reads three letters of "rwx" or "-", in any case.
func parseRWX(text string) (rwx, error) {
	t := strings.ToLower(strings.TrimSpace(text))
	var p rwx
	bits := [...]rwx{permR, permW, permX}
	for i := range bits {
		switch {
		case len(t) == len(bits) && t[i] == "rwx"[i]:
			p |= bits[i]
		case len(t) != len(bits) || t[i] != '-':
			return 0, fmt.Errorf("reading the permissions %q of a path: three letters such as r-x are expected", text)
		}
	}
	return p, nil
}

// PathNeed is the least permission that an operation takes on one path.
type PathNeed struct {
	// Path ends with "/" for a directory.
	Path string
	// Permissions are three letters such as "r-x"; "" means that none is needed.
	Permissions string
}

// MetBy reports whether the permissions that a caller has on the path are enough. They
// are three letters of "rwx" or "-", in any case.
func (n PathNeed) MetBy(permissions string) (bool, error) {
	have, err := parseRWX(permissions)
	if err != nil || n.Permissions == "" {
		return err == nil, err
	}
	need, err := parseRWX(n.Permissions)
	return err == nil && need&have == need, err
}

// PathNeeds returns the least access list entries with which a caller can do an operation
// to a path, one per directory from the root to the path, in that order. The caller's
// roles are asked for what they give already: allowed says whether they give a data
// action on the container. The result is nil where no access list is needed.
//
// A path starts with "/"; that of a directory ends with "/".
func PathNeeds(o PathOperation, path string, allowed func(arm.Operation) bool) []PathNeed {
	asks := o.asks(path)
	if allowed(operationOf(blobSuperUser)) {
		return nil
	}
	last := &asks[o.deciding(len(asks))]
	left := o.without(last.want, allowed)
	if left == 0 {
		return nil
	}
	last.want = left
	needs := make([]PathNeed, len(asks))
	for i, a := range asks {
		needs[i].Path = a.path
		if a.want != 0 {
			needs[i].Permissions = a.want.String()
		}
	}
	return needs
}

// without takes away what roles give of the permissions on the deciding path. Permission
// to enter it is still needed for the rest.
func (o PathOperation) without(want rwx, allowed func(arm.Operation) bool) rwx {
	reads := allowed(operationOf(blobRead))
	writes := allowed(operationOf(blobWrite)) || allowed(operationOf(blobAdd))
	switch o {
	case AppendFile:
		if reads {
			want &^= permR
		}
		if writes {
			want &^= permW
		}
		return want
	case CreateFile:
		return unless(writes, want)
	case DeleteFile, DeleteDirectory:
		return unless(allowed(operationOf(blobDelete)), want)
	default:
		return unless(reads, want)
	}
}

func unless(given bool, want rwx) rwx {
	if given {
		return 0
	}
	return want
}

// deciding returns which of the paths, from the root, roles can make unnecessary.
func (o PathOperation) deciding(n int) int {
	switch o {
	case CreateFile, DeleteFile, DeleteDirectory:
		return max(n-2, 0)
	default:
		return n - 1
	}
}

// pathAsk is a permission that is asked for on a path.
type pathAsk struct {
	path string
	want rwx
}

// asks returns what an operation takes without any role, from the root to the path.
func (o PathOperation) asks(path string) []pathAsk {
	var asks []pathAsk
	for _, p := range ancestors(path) {
		asks = append(asks, pathAsk{p, permX})
	}
	switch last := len(asks) - 1; o {
	case AppendFile:
		return append(asks, pathAsk{path, permR | permW})
	case ListDirectory:
		return append(asks, pathAsk{path, permR | permX})
	case CreateFile, DeleteFile, DeleteDirectory:
		of := pathAsk{path: path}
		if o == DeleteDirectory {
			of.want = permR | permW | permX
		}
		if last >= 0 {
			asks[last].want = permW | permX
		}
		return append(asks, of)
	default:
		return append(asks, pathAsk{path, permR})
	}
}

// ancestors returns the directories above a path, from the root.
func ancestors(path string) []string {
	var out []string
	inner := strings.TrimSuffix(path, "/")
	for i := range len(inner) {
		if inner[i] == '/' {
			out = append(out, inner[:i+1])
		}
	}
	return out
}

// operationOf returns the operation of that name, or none if it names none.
func operationOf(name string) arm.Operation {
	o, err := arm.ParseOperation(name)
	if err != nil {
		return arm.Operation{}
	}
	return o
}
