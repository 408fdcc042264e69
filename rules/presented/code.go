// SPDX-License-Identifier: Apache-2.0

package presented

import (
	"cmp"
	"slices"

	"github.com/mivet/mivet"
	"github.com/mivet/mivet/arm"
	"github.com/mivet/mivet/effective"
	"github.com/mivet/mivet/vet"
)

// carriers lists the resources of some types of which a test holds, in the order of their
// names, with what is attached to them.
func carriers(p *vet.Pass, ofType func(resourceType string) bool, wanted func(r *mivet.Resource) bool) []*effective.Carrier {
	var out []*effective.Carrier
	for _, r := range inOrder(p, ofType, wanted) {
		out = append(out, effective.NewCarrier(p.Index(), r))
	}
	return out
}

// inOrder lists the resources of some types of which a test holds, in the order of their
// names. The test of the type is asked once for each type.
func inOrder(p *vet.Pass, ofType func(resourceType string) bool, wanted func(r *mivet.Resource) bool) []*mivet.Resource {
	type keyed struct {
		key      arm.Key
		resource *mivet.Resource
	}
	var found []keyed
	for _, t := range p.Types() {
		if !ofType(string(t)) {
			continue
		}
		for _, listed := range p.OfType(string(t), arm.ID{}) {
			if r := p.Index().Resource(listed.ID); wanted(r) {
				found = append(found, keyed{r.ID.Key(), r})
			}
		}
	}
	slices.SortFunc(found, func(a, b keyed) int { return cmp.Compare(a.key, b.key) })
	out := make([]*mivet.Resource, len(found))
	for i := range found {
		out[i] = found[i].resource
	}
	return out
}

// anyResource holds of every resource.
func anyResource(*mivet.Resource) bool { return true }

// is returns the test for one of some resource types.
func is(types ...arm.Key) func(resourceType string) bool {
	return func(resourceType string) bool { return slices.Contains(types, arm.Fold(resourceType)) }
}

// withCode are the resources, of those that run code, whose code carries an identity.
func withCode(r *mivet.Resource) bool {
	return choices(r) > 0 && !managed(r)
}

// withSettings gives each carrier whose variables were read to a check; one whose settings
// are behind a gap is not assessed.
func withSettings(p *vet.Pass, check func(w *effective.Carrier, env map[string]string)) {
	for _, w := range carriers(p, effective.RunsCode, withCode) {
		env, read := w.Variables()
		if !read && hasSettings(w.Resource.ID.Type()) {
			if gap := p.Gap(mivet.FactAppSettings, w.Resource.ID); gap != nil {
				p.Blocked(mivet.Subject{Resource: w.Resource.ID}, gap)
				continue
			}
		}
		if !read {
			p.Pass()
			continue
		}
		for _, one := range w.Containers() {
			if one.Container != "" {
				env, _ = one.Variables()
			}
			check(one, env)
		}
	}
}

// what names a resource for people.
func what(r *mivet.Resource) string { return vet.TypeWords(r.ID.Type()) + " " + r.ID.Name() }

// settingEdit sets a variable of code where it stands.
func settingEdit(w *effective.Carrier, name, value string) []mivet.Edit {
	path, ok := w.VariablePath(name)
	if !ok {
		return nil
	}
	return []mivet.Edit{{Kind: mivet.EditSetSetting, Resource: w.Resource.ID, Name: path, Value: value}}
}

// allSet reports whether all of several variables hold something.
func allSet(env map[string]string, names ...string) bool {
	return !slices.ContainsFunc(names, func(n string) bool { return env[n] == "" })
}
