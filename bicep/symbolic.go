// SPDX-License-Identifier: Apache-2.0

package bicep

import "strings"

// An element of a loop of resources or modules is named in two ways: by its symbolic name, or by its ID. Both mean the same.
// The compiler writes templates without symbolic names where nothing in the file needs them, and so does this package as
// far as elements are concerned, so that what cannot be known of them is said in the same words.
// https://learn.microsoft.com/azure/azure-resource-manager/bicep/file#resources

// usesSymbols says whether something in the file needs symbolic names.
func (u *unit) usesSymbols() bool {
	if u.symbolic == unasked {
		u.symbolic = no
		if u.needsSymbols() {
			u.symbolic = yes
		}
	}
	return u.symbolic == yes
}

func (u *unit) needsSymbols() bool {
	for _, s := range u.file.Statements {
		switch s := s.(type) {
		case *TypeDecl, *Func, *Import, *Extension:
			return true
		case *Var:
			if s.Type != nil {
				return true
			}
		case *Param:
			if isWrittenType(s.Type) {
				return true
			}
		case *Output:
			if isWrittenType(s.Type) || decorator(s, "secure") != nil {
				return true
			}
		}
	}
	for _, sym := range u.order {
		if sym.needsSymbols() {
			return true
		}
	}
	return u.usesWholeLoops()
}

func (s *symbol) needsSymbols() bool {
	switch s.kind {
	case symModule:
		return s.body == nil || s.body.property("name") == nil
	case symResource:
		for _, name := range []string{"onlyIfNotExists", "nullIfNotFound", "retryOn", "waitUntil"} {
			if decorator(s.decl, name) != nil {
				return true
			}
		}
		return s.foreign || s.isExisting() && s.body != nil && s.body.property("dependsOn") != nil
	default:
		return false
	}
}

// isWrittenType says whether a type is more than a name.
func isWrittenType(t Expr) bool {
	switch t := t.(type) {
	case *ObjectType, *ArrayOf, *TupleType, *Union, *Nullable:
		return true
	case *Paren:
		return isWrittenType(t.Inner)
	case *NonNull:
		return isWrittenType(t.Base)
	}
	return false
}

// usesWholeLoops says whether a value is all elements of a loop of resources or modules.
func (u *unit) usesWholeLoops() bool {
	whole := false
	visit := func(use use) {
		whole = whole || use.sym != nil && use.sym.isCollection() && use.index == nil && use.prop == "" && use.method == ""
	}
	root := u.root()
	for _, s := range u.file.Statements {
		switch s := s.(type) {
		case *Output:
			uses(s.Value, root, visit)
		case *Var:
			uses(s.Value, root, visit)
		}
	}
	for _, sym := range u.order {
		if sym.body == nil || sym.kind != symResource && sym.kind != symModule {
			continue
		}
		names := sym.names()
		for _, item := range sym.body.Items {
			if key, _ := keyText(item.Key); !strings.EqualFold(key, "dependsOn") {
				walker{visit}.items([]Item{item}, names)
			}
		}
	}
	return whole
}
