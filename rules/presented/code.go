// SPDX-License-Identifier: Apache-2.0

package presented

import (
	"maps"
	"slices"

	"github.com/mivet/mivet"
	"github.com/mivet/mivet/arm"
	"github.com/mivet/mivet/effective"
	"github.com/mivet/mivet/vet"
)

// carriers lists the resources of which a test holds, in the order of their names, with
// what is attached to them.
func carriers(p *vet.Pass, wanted func(r *mivet.Resource) bool) []*effective.Carrier {
	var out []*effective.Carrier
	for _, r := range inOrder(p, wanted) {
		out = append(out, effective.NewCarrier(p.Index(), r))
	}
	return out
}

// inOrder lists the resources of which a test holds, in the order of their names.
func inOrder(p *vet.Pass, wanted func(r *mivet.Resource) bool) []*mivet.Resource {
	found := map[arm.Key]*mivet.Resource{}
	for i := range p.Snapshot.Resources {
		if r := &p.Snapshot.Resources[i]; wanted(r) && p.Index().Resource(r.ID) == r {
			found[r.ID.Key()] = r
		}
	}
	var out []*mivet.Resource
	for _, key := range slices.Sorted(maps.Keys(found)) {
		out = append(out, found[key])
	}
	return out
}

// withCode are the resources whose code carries an identity.
func withCode(r *mivet.Resource) bool {
	return effective.RunsCode(r.ID.Type()) && choices(r) > 0 && !managed(r)
}

// withSettings gives each carrier whose variables were read to a check; one whose settings
// are behind a gap is not assessed.
func withSettings(p *vet.Pass, check func(w *effective.Carrier, env map[string]string)) {
	for _, w := range carriers(p, withCode) {
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
