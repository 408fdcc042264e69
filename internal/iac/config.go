// SPDX-License-Identifier: Apache-2.0

package iac

import (
	"encoding/json"
	"slices"
	"strings"
)

// configuration is what a plan keeps of the source: which attribute refers to what.
// Expressions themselves are not in it, only constants and the names they refer to;
// values of locals are not in it at all.
type configuration struct {
	root      *configModule
	providers map[string]provider
	// demands are the constraints on versions that source holds, by provider.
	demands map[string][]string
}

// provider is one provider block.
type provider struct {
	subscription, tenant expression
	versions             string // which are allowed, such as "~> 4.0"
}

// configModule is one module of the source, or one call of it.
type configModule struct {
	path      string // "module.app.module.db", without indexes
	parent    *configModule
	name      string                     // of the call, as in the parent's calls
	resources map[string]*configResource // by "type.name" or "data.type.name"
	calls     map[string]*moduleCall
	outputs   map[string]expression
}

type moduleCall struct {
	module *configModule
	args   map[string]expression
	each   []string // what for_each or count refers to
}

type configResource struct {
	provider string // the key of its provider block
	exprs    json.RawMessage
	each     []string
}

// expression is what is known of one: a constant, or what it refers to.
type expression struct {
	constant string
	refs     []string
}

func newConfigModule(path string) *configModule {
	return &configModule{
		path: path, resources: map[string]*configResource{},
		calls: map[string]*moduleCall{}, outputs: map[string]expression{},
	}
}

func (r *reader) configuration() error {
	c := r.doc.config
	return r.objectOrSkip(func(name []byte) error {
		switch string(name) {
		case "provider_config":
			return r.objectOrSkip(func(name []byte) error { return r.providerBlock(string(name)) })
		case "root_module":
			return r.configModule(c.root)
		default:
			return r.skip()
		}
	})
}

func (r *reader) providerBlock(key string) error {
	var p provider
	err := r.objectOrSkip(func(name []byte) (err error) {
		if string(name) == "version_constraint" {
			p.versions, err = r.constraint()
			return err
		}
		if string(name) != "expressions" {
			return r.skip()
		}
		return r.objectOrSkip(func(name []byte) (err error) {
			switch string(name) {
			case "subscription_id":
				p.subscription, err = r.expression()
			case "tenant_id":
				p.tenant, err = r.expression()
			default:
				err = r.skip()
			}
			return err
		})
	})
	r.doc.config.providers[key] = p
	return err
}

// maxConstraint is how long a constraint of versions may be, and maxConstraints how many
// different ones are kept.
const maxConstraint, maxConstraints = 200, 20

// constraint takes which versions of a provider are allowed; what has another form gives "".
func (r *reader) constraint() (string, error) {
	if r.peek() != '"' {
		return "", r.skip()
	}
	b, ok, err := r.str(maxConstraint)
	if err != nil || !ok || !isConstraint(string(b)) {
		return "", err
	}
	return string(b), nil
}

// versionsOf returns which versions of a provider the configuration allows: all constraints
// of its modules hold together.
func (c *configuration) versionsOf(name string) string {
	var all []string
	for _, key := range sortedKeys(c.providers) {
		local, _, _ := strings.Cut(key[strings.LastIndexByte(key, ':')+1:], ".")
		if v := c.providers[key].versions; v != "" && local == name && !slices.Contains(all, v) {
			all = append(all, v)
		}
		if len(all) == maxConstraints {
			break
		}
	}
	for _, v := range c.demands[name] {
		if !slices.Contains(all, v) {
			all = append(all, v)
		}
	}
	return strings.Join(all, ", ")
}

// expression takes an expression. Constants are kept only if they have the form
// of an ID.
func (r *reader) expression() (expression, error) {
	var e expression
	err := r.objectOrSkip(func(name []byte) (err error) {
		switch string(name) {
		case "references":
			e.refs, err = r.references()
		case "constant_value":
			e.constant, err = r.idText()
		default:
			err = r.skip()
		}
		return err
	})
	return e, err
}

func (r *reader) references() ([]string, error) {
	refs, err := r.strings()
	for i, v := range refs {
		refs[i] = r.intern(v)
	}
	return refs, err
}

func (r *reader) configModule(m *configModule) error {
	return r.objectOrSkip(func(name []byte) error {
		switch string(name) {
		case "resources":
			return r.arrayOrSkip(func(int) error { return r.configResource(m) })
		case "module_calls":
			return r.objectOrSkip(func(name []byte) error { return r.moduleCall(m, string(name)) })
		case "outputs":
			return r.objectOrSkip(func(name []byte) error { return r.output(m, string(name)) })
		default:
			return r.skip()
		}
	})
}

func (r *reader) output(m *configModule, key string) error {
	return r.objectOrSkip(func(name []byte) error {
		if string(name) != "expression" {
			return r.skip()
		}
		e, err := r.expression()
		m.outputs[key] = e
		return err
	})
}

func (r *reader) moduleCall(parent *configModule, key string) error {
	path := "module." + key
	if parent.path != "" {
		path = parent.path + "." + path
	}
	call := &moduleCall{module: newConfigModule(path), args: map[string]expression{}}
	call.module.parent, call.module.name = parent, key
	parent.calls[key] = call
	return r.objectOrSkip(func(name []byte) error {
		switch string(name) {
		case "expressions":
			return r.objectOrSkip(func(name []byte) error {
				arg := string(name)
				e, err := r.expression()
				call.args[arg] = e
				return err
			})
		case "for_each_expression", "count_expression":
			e, err := r.expression()
			call.each = append(call.each, e.refs...)
			return err
		case "module":
			return r.configModule(call.module)
		default:
			return r.skip()
		}
	})
}

func (r *reader) configResource(m *configModule) error {
	if err := r.tick(); err != nil {
		return err
	}
	var address string
	c := &configResource{}
	r.keep.reset()
	err := r.objectOrSkip(func(name []byte) (err error) {
		switch string(name) {
		case "address":
			address, err = r.string()
		case "provider_config_key":
			c.provider, err = r.interned()
		case "for_each_expression", "count_expression":
			var e expression
			e, err = r.expression()
			c.each = append(c.each, e.refs...)
		case "expressions":
			if err = r.copy(&r.keep, r.exprs); err == nil {
				c.exprs = r.keep.value(0)
			}
		default:
			err = r.skip()
		}
		return err
	})
	m.resources[address] = c
	return err
}
