// SPDX-License-Identifier: Apache-2.0

package execpath

import (
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"maps"
	"regexp"
	"slices"
	"strings"

	"github.com/mivet/mivet"
	"github.com/mivet/mivet/arm"
)

// Part is a part of what executes in a workload.
type Part string

// The parts.
const (
	PartPackage    Part = "package"    // where the code comes from
	PartImage      Part = "image"      // container images, by digest or tag
	PartCommit     Part = "commit"     // the version that a setting or a tag names
	PartRuntime    Part = "runtime"    // the platform's own: runtime, machine image
	PartSettings   Part = "settings"   // names and values of settings; secret values by their digests
	PartExtensions Part = "extensions" // extensions, side-cars, run commands and their settings
	PartStart      Part = "start"      // start-up commands, arguments and scripts
	PartMounts     Part = "mounts"     // shares and volumes
	PartRevision   Part = "revision"   // the revision that takes the traffic
	PartIdentity   Part = "identity"   // which identities it carries
)

// Parts returns all parts in their order.
func Parts() []Part {
	return []Part{
		PartPackage, PartImage, PartCommit, PartRuntime, PartSettings, PartExtensions, PartStart, PartMounts, PartRevision, PartIdentity,
	}
}

// Fingerprint says what executes in a workload, as far as the snapshot tells. A part that it
// does not tell is absent: nothing is known of it.
type Fingerprint struct {
	Workload arm.ID
	// Parts holds a text for people where the part is one value, else a digest of all.
	Parts map[Part]string
	// Names are the settings behind each part, so that a change can be told by name.
	Names  map[Part]map[string]string
	Source mivet.Source

	told bool // something beside its name was read
}

// Sum is one digest of everything but the identity: equal sums execute the same.
func (f *Fingerprint) Sum() string {
	h := sha256.New()
	for _, p := range Parts() {
		if p != PartIdentity && p != PartRevision {
			_, _ = h.Write([]byte(string(p) + "\x00" + f.Parts[p] + "\x00")) // a hash does not fail
		}
	}
	return hex.EncodeToString(h.Sum(nil)[:8])
}

// Fingerprints returns those of all workloads that code of a technique can run on, slots
// and revisions among them, by their IDs. Secret values count by the digests that the
// snapshot keeps in their place, so a change of one is seen and the value is not.
func Fingerprints(s *mivet.Snapshot) []Fingerprint {
	byKey := map[arm.Key]int{}
	var out []Fingerprint
	for i := range s.Resources {
		r := &s.Resources[i]
		if !executes(r) {
			continue
		}
		byKey[r.ID.Key()] = len(out)
		f := Fingerprint{Workload: r.ID, Source: r.Source, Names: map[Part]map[string]string{}}
		f.read(r)
		out = append(out, f)
	}
	for i := range s.Resources { // what lies below a workload is part of it
		r := &s.Resources[i]
		if k, ok := byKey[r.ID.Parent().Key()]; ok && isExtension(r.ID) {
			out[k].extension(r)
		}
	}
	for i := range out {
		out[i].settle()
	}
	slices.SortFunc(out, func(a, b Fingerprint) int { return cmp.Compare(a.Workload.Key(), b.Workload.Key()) })
	return out
}

// executes reports whether a resource runs code of its owner.
func executes(r *mivet.Resource) bool {
	return slices.ContainsFunc([]string{
		"Microsoft.Web/sites", slotType, "Microsoft.App/containerApps", "Microsoft.App/containerApps/revisions", "Microsoft.App/jobs",
		"Microsoft.ContainerInstance/containerGroups", "Microsoft.Compute/virtualMachines", "Microsoft.Compute/virtualMachineScaleSets",
		"Microsoft.HybridCompute/machines", "Microsoft.Automation/automationAccounts/runbooks", "Microsoft.Logic/workflows",
		"Microsoft.Batch/batchAccounts/pools", "Microsoft.Resources/deploymentScripts",
	}, r.ID.HasType)
}

func isExtension(id arm.ID) bool {
	t := string(arm.Fold(id.Type()))
	return strings.HasSuffix(t, "/extensions") || strings.HasSuffix(t, "/runcommands") || strings.HasSuffix(t, "/sitecontainers") || strings.HasSuffix(t, "/siteextensions")
}

// version is the name of a setting or a tag that holds the version of the code.
var version = regexp.MustCompile(`(?i)(?:^|[._-])(?:git[_-]?)?(?:commit|revision|sha|build[_-]?(?:id|number)|source[_-]?version)(?:[_-]?(?:id|sha))?$`)

// partOf is the part that a setting belongs to, by its path below "properties"; "" for what
// decides nothing about the code.
func partOf(path string) Part {
	lower := strings.ToLower(path)
	name := lower[strings.LastIndexByte(lower, '.')+1:]
	inSettings := strings.Contains(lower, "appsettings.") || strings.Contains(lower, "].env.") || strings.Contains(lower, "environmentvariables.")
	switch {
	case name == "website_run_from_package", name == "website_run_from_zip", strings.HasPrefix(lower, "functionappconfig.deployment."):
		return PartPackage
	case name == "website_contentazurefileconnectionstring", name == "website_contentshare", strings.HasPrefix(lower, "publishcontentlink."):
		return PartPackage
	case !inSettings && starts(lower, name):
		return PartStart
	case name == "image":
		return PartImage
	case name == "linuxfxversion", name == "windowsfxversion", strings.Contains(lower, "imagereference."), name == "functions_worker_runtime",
		name == "functions_extension_version", name == "functions_worker_runtime_version", name == "website_node_default_version",
		strings.HasPrefix(lower, "functionappconfig.runtime."):
		return PartRuntime
	case inSettings && version.MatchString(name):
		return PartCommit
	case inSettings:
		return PartSettings
	case strings.HasPrefix(lower, "siteconfig.azurestorageaccounts."), strings.Contains(lower, "volumes["), strings.Contains(lower, "volumemounts["):
		return PartMounts
	case strings.Contains(lower, "extensionprofile."), strings.Contains(lower, "galleryapplications["):
		return PartExtensions
	case name == "latestrevisionname", name == "latestreadyrevisionname":
		return PartRevision
	}
	return ""
}

// starts reports whether a property says what is run when the workload starts, or holds a
// digest of it. Lists stand there whole or by their elements.
func starts(lower, name string) bool {
	list, _, _ := strings.Cut(name, "[")
	switch list {
	case "command", "commands", "args", "appcommandline", "startupcommand", "customdata", "userdata":
		return true
	case "scriptcontent", "arguments", "primaryscripturi", "supportingscripturis": // of deployment scripts
		return true
	}
	return strings.HasPrefix(lower, "starttask.")
}

func (f *Fingerprint) put(p Part, name, value string) {
	if f.Names[p] == nil {
		f.Names[p] = map[string]string{}
	}
	f.Names[p][name] = value
}

func (f *Fingerprint) read(r *mivet.Resource) {
	if d := r.Detail; d != nil {
		f.told = len(d.Settings) > 0
		for path, value := range d.Settings {
			p := partOf(path)
			if p == PartRuntime && strings.HasPrefix(strings.ToUpper(value), "DOCKER|") {
				p = PartImage
			}
			if p != "" && value != "null" {
				f.put(p, path, value)
			}
		}
		for name, value := range d.Tags {
			if version.MatchString(name) {
				f.put(PartCommit, "tag "+name, value)
			}
		}
	}
	if a := r.Identity; a != nil {
		if a.System {
			f.put(PartIdentity, "system", string(a.SystemPrincipal))
		}
		for _, u := range a.User {
			f.put(PartIdentity, string(u.Key()), "")
		}
	} else {
		f.put(PartIdentity, "none", "")
	}
}

// extension adds an extension or a side-car, with everything that is known of it.
func (f *Fingerprint) extension(r *mivet.Resource) {
	name := r.ID.Name()
	f.put(PartExtensions, name, "")
	if r.Detail == nil {
		return
	}
	for path, value := range r.Detail.Settings {
		f.put(PartExtensions, name+" "+path, value)
	}
}

// settle makes one text of each part.
func (f *Fingerprint) settle() {
	f.Parts = map[Part]string{}
	for p, names := range f.Names {
		if len(names) == 1 && p != PartSettings && p != PartIdentity {
			for _, v := range names {
				f.Parts[p] = v
			}
			if f.Parts[p] != "" {
				continue
			}
		}
		h := sha256.New()
		for _, name := range slices.Sorted(maps.Keys(names)) {
			_, _ = h.Write([]byte(name + "\x00" + names[name] + "\x00")) // a hash does not fail
		}
		f.Parts[p] = hex.EncodeToString(h.Sum(nil)[:8])
	}
}

// Pinned reports whether every image of the workload is named by its digest, and whether it
// has images at all.
func (f *Fingerprint) Pinned() (pinned, images bool) {
	pinned = true
	for _, v := range f.Names[PartImage] {
		images = true
		pinned = pinned && strings.Contains(v, "@sha256:")
	}
	return pinned && images, images
}
