// SPDX-License-Identifier: Apache-2.0

package iac

import "strings"

// address is a Terraform address taken apart:
//
//	module.app["x"].data.azurerm_client_config.me[0].tenant_id
type address struct {
	module   string // "module.app", without indexes
	instance string // `module.app["x"]`, with them
	object   string // "data.azurerm_client_config.me"
	index    string // "[0]", or "" without
	attr     string // "tenant_id", without indexes: "identity.principal_id"
}

// config returns the address in the source: without any index.
func (a address) config() string { return joinModule(a.module, a.object) }

func joinModule(module, object string) string {
	if module == "" {
		return object
	}
	return module + "." + object
}

// splitAddress cuts an address at its dots. Dots within the quotes of an index do not
// count. An index goes with the part before it.
func splitAddress(s string) []string {
	var parts []string
	start, depth, quoted := 0, 0, false
	for i := 0; i < len(s); i++ {
		switch c := s[i]; {
		case quoted && c == '\\':
			i++
		case c == '"':
			quoted = !quoted
		case quoted:
		case c == '[':
			depth++
		case c == ']':
			depth--
		case c == '.' && depth == 0:
			parts = append(parts, s[start:i])
			start = i + 1
		}
	}
	return append(parts, s[start:])
}

// cutIndex cuts the indexes from one part: `app["x"]` gives app and ["x"].
func cutIndex(part string) (name, index string) {
	if i := strings.IndexByte(part, '['); i >= 0 {
		return part[:i], part[i:]
	}
	return part, ""
}

// deposedMark begins what Terraform puts behind the address of a deposed object:
// "azurerm_linux_web_app.api (deposed object 1a2b3c4d)".
const deposedMark = " (deposed object "

// parseAddress takes an address or a reference to an object apart. ok is false where it
// names no object, as "var.x" does.
func parseAddress(s string) (a address, ok bool) {
	if strings.HasSuffix(s, ")") {
		s, _, _ = strings.Cut(s, deposedMark)
	}
	parts := splitAddress(s)
	for len(parts) > 2 && parts[0] == "module" {
		name, index := cutIndex(parts[1])
		a.module = joinModule(a.module, "module."+name)
		a.instance = joinModule(a.instance, "module."+name+index)
		parts = parts[2:]
	}
	prefix := ""
	if parts[0] == "data" && len(parts) > 2 {
		prefix, parts = "data.", parts[1:]
	}
	if len(parts) < 2 || reservedRoot(parts[0]) {
		return a, false
	}
	name, index := cutIndex(parts[1])
	a.object, a.index = prefix+parts[0]+"."+name, index
	a.attr = attrPath(parts[2:])
	return a, true
}

// attrPath joins the parts of an attribute path and drops their indexes.
func attrPath(parts []string) string {
	names := make([]string, 0, len(parts))
	for _, p := range parts {
		if name, _ := cutIndex(p); name != "" && strings.Trim(name, "0123456789") != "" {
			names = append(names, name)
		}
	}
	return strings.Join(names, ".")
}

// reservedRoot reports whether a reference starts with a word of the language.
func reservedRoot(s string) bool {
	switch s, _ = cutIndex(s); s {
	case "var", "local", "module", "each", "count", "path", "terraform", "self", "data", "ephemeral":
		return true
	default:
		return false
	}
}

// inBraces returns the name that stands for one that is not known yet: the address, in
// the form that an ID can hold.
func inBraces(address string) string {
	return "{" + strings.NewReplacer("/", "_", "\\", "_").Replace(address) + "}"
}
