// SPDX-License-Identifier: Apache-2.0

package effective

import (
	"maps"
	"strings"

	"github.com/mivet/mivet"
	"github.com/mivet/mivet/arm"
)

// stickyPath is where a site keeps the names of the settings that stay where they are.
const stickyPath = "slotConfigNames.appSettingNames"

// Swap is a site and one of its slots after both were swapped.
type Swap struct {
	// Site and Slot carry their own identities, and the settings that they have then.
	Site, Slot *Carrier
	// Read is false where it was not read which settings stay: all are taken to move then.
	Read bool
}

// Swapped returns what a swap makes of a site and one of its slots; false where the settings
// of one of them were not read. Code and settings move. Identities stay, and so do the
// settings that are marked to, and those whose names end with _EXTENSION_VERSION
// (learn.microsoft.com/azure/app-service/deploy-staging-slots, "What happens during a swap").
func Swapped(x *mivet.Index, site, slot *mivet.Resource) (*Swap, bool) {
	before := [2]*Carrier{NewCarrier(x, site), NewCarrier(x, slot)}
	for _, w := range before {
		if _, read := w.Variables(); !read {
			return nil, false
		}
	}
	stays, read := sticky(site)
	return &Swap{Site: before[0].after(slot, stays), Slot: before[1].after(site, stays), Read: read}, true
}

// sticky returns the settings of a site and its slots that stay, and whether they were read.
func sticky(site *mivet.Resource) (stays func(name string) bool, read bool) {
	names := map[arm.Key]bool{}
	for path, value := range site.Detail.Settings {
		if list, _, _ := strings.Cut(path, "["); list == stickyPath {
			read = true
			names[arm.Fold(value)] = true
		}
	}
	return func(name string) bool {
		key := arm.Fold(name)
		return names[key] || strings.HasSuffix(string(key), "_extension_version")
	}, read
}

// after is the carrier with the settings that come from another resource.
func (w *Carrier) after(from *mivet.Resource, stays func(name string) bool) *Carrier {
	moves := func(path string) bool {
		name, is := strings.CutPrefix(path, settingPaths[0])
		return is && !stays(name)
	}
	settings := maps.Clone(w.Resource.Detail.Settings)
	maps.DeleteFunc(settings, func(path, _ string) bool { return moves(path) })
	for path, value := range from.Detail.Settings {
		if moves(path) {
			settings[path] = value
		}
	}
	r := *w.Resource
	d := *r.Detail
	d.Settings = settings
	r.Detail = &d
	out := *w
	out.Resource = &r
	return &out
}
