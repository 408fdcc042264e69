// SPDX-License-Identifier: Apache-2.0

package execpath

import (
	"net/url"
	"slices"
	"strings"

	"github.com/mivet/mivet"
	"github.com/mivet/mivet/arm"
)

// LinkKind is the sort of content that a workload loads.
type LinkKind string

// The sorts of content.
const (
	LinkPackage  LinkKind = "package"       // code in a blob
	LinkShare    LinkKind = "file share"    // code or content in a share
	LinkHost     LinkKind = "host storage"  // keys and state of a function host
	LinkImage    LinkKind = "image"         // a container image
	LinkScript   LinkKind = "script"        // a script that an extension or a start task fetches
	LinkSettings LinkKind = "settings"      // an App Configuration store
	LinkSecret   LinkKind = "secret"        // a Key Vault reference
	LinkStorage  LinkKind = "workspace"     // the storage of a workspace: notebooks, code
	LinkMachine  LinkKind = "machine image" // the image of a machine
)

// Link says that a workload loads content from a resource.
type Link struct {
	Workload, Content arm.ID
	Kind              LinkKind
	// Setting is where it was read, and Value what stands there.
	Setting, Value string
	Source         mivet.Source
}

// Links finds what workloads load, as far as their settings tell. A name that belongs to
// no resource of the snapshot gives no link.
func Links(s *mivet.Snapshot) []Link {
	l := linker{storage: map[string]arm.ID{}, registry: map[string]arm.ID{}, store: map[string]arm.ID{}, vault: map[string]arm.ID{}, known: map[arm.Key]arm.ID{}}
	for i := range s.Resources {
		l.learn(s.Resources[i].ID)
	}
	for i := range s.Resources {
		l.read(&s.Resources[i])
	}
	return l.out
}

// linker knows resources by the global names that settings use.
type linker struct {
	storage, registry, store, vault map[string]arm.ID
	known                           map[arm.Key]arm.ID
	out                             []Link
}

func (l *linker) learn(id arm.ID) {
	name := strings.ToLower(id.Name())
	switch {
	case id.HasType("Microsoft.Storage/storageAccounts"):
		l.storage[name] = id
	case id.HasType("Microsoft.ContainerRegistry/registries"):
		l.registry[name] = id
	case id.HasType("Microsoft.AppConfiguration/configurationStores"):
		l.store[name] = id
	case id.HasType("Microsoft.KeyVault/vaults"):
		l.vault[name] = id
	case id.HasType("Microsoft.Compute/galleries/images"), id.HasType("Microsoft.Compute/images"):
		l.known[id.Key()] = id
	}
}

func (l *linker) read(r *mivet.Resource) {
	if r.Detail == nil {
		return
	}
	before := len(l.out)
	for path, value := range r.Detail.Settings {
		if value != "" && value != "null" {
			l.setting(r, path, value)
		}
	}
	slices.SortFunc(l.out[before:], func(a, b Link) int {
		return strings.Compare(a.Setting+string(a.Content.Key()), b.Setting+string(b.Content.Key()))
	})
}

func (l *linker) add(r *mivet.Resource, content arm.ID, kind LinkKind, path, value string) {
	workload := r.ID
	if isExtension(workload) {
		workload = workload.Parent()
	}
	if !content.IsZero() && !content.Equal(workload) {
		l.out = append(l.out, Link{workload, content, kind, path, value, r.Source})
	}
}

// setting reads one setting of a workload.
func (l *linker) setting(r *mivet.Resource, path, value string) {
	lower := strings.ToLower(path)
	name := lower[strings.LastIndexByte(lower, '.')+1:]
	switch {
	case name == "website_run_from_package" || name == "website_run_from_zip":
		l.add(r, l.blob(value), LinkPackage, path, value)
	case strings.HasSuffix(lower, "functionappconfig.deployment.storage.value"):
		l.add(r, l.blob(value), LinkPackage, path, value)
	case name == "website_contentazurefileconnectionstring":
		l.add(r, l.share(r, value), LinkShare, path, value)
	case strings.HasPrefix(name, "azurewebjobsstorage"):
		l.add(r, l.hostKeys(value), LinkHost, path, value)
	case strings.HasPrefix(lower, "siteconfig.azurestorageaccounts.") && name == "accountname":
		l.add(r, l.mount(r, path, value), LinkShare, path, value)
	case name == "linuxfxversion" || name == "windowsfxversion":
		if kind, image, ok := strings.Cut(value, "|"); ok && strings.EqualFold(kind, "DOCKER") {
			l.add(r, l.image(image), LinkImage, path, value)
		}
	case strings.HasSuffix(lower, ".image") && strings.Contains(lower, "containers["), strings.Contains(lower, "containerconfiguration.") && name == "image":
		l.add(r, l.image(value), LinkImage, path, value)
	case strings.Contains(lower, "fileuris["), strings.Contains(lower, "resourcefiles["), strings.Contains(lower, "scripturis["),
		name == "scripturi", name == "primaryscripturi", strings.HasSuffix(lower, "contentlink.uri"):
		l.add(r, l.blob(value), LinkScript, path, value)
	case strings.HasSuffix(lower, "imagereference.id"):
		l.add(r, l.machineImage(value), LinkMachine, path, value)
	case name == "storageaccount" && r.ID.HasType("Microsoft.MachineLearningServices/workspaces"):
		l.add(r, parsed(value), LinkStorage, path, value)
	case strings.Contains(value, "@Microsoft.KeyVault("):
		l.add(r, l.vaultOf(value), LinkSecret, path, value)
	case strings.Contains(value, ".azconfig.io"):
		l.add(r, l.store[firstLabel(value)], LinkSettings, path, value)
	}
}

func parsed(s string) arm.ID {
	id, err := arm.ParseID(s)
	if err != nil {
		return arm.ID{}
	}
	return id
}

// blob is the container that a URL names.
func (l *linker) blob(value string) arm.ID {
	u, err := url.Parse(value)
	if err != nil || !strings.Contains(u.Host, ".blob.") {
		return arm.ID{}
	}
	account, ok := l.storage[firstLabel(value)]
	container, _, _ := strings.Cut(strings.TrimPrefix(u.Path, "/"), "/")
	if !ok || container == "" {
		return account
	}
	return below(account, "blobServices", "default", "containers", container)
}

func below(id arm.ID, parts ...string) arm.ID {
	for i := 0; i+1 < len(parts); i += 2 {
		child, err := id.Child(parts[i], parts[i+1])
		if err != nil {
			return id
		}
		id = child
	}
	return id
}

// share is the share that holds the content of a site.
func (l *linker) share(r *mivet.Resource, value string) arm.ID {
	account, ok := l.storage[strings.ToLower(accountOf(value))]
	if !ok {
		return arm.ID{}
	}
	for path, v := range r.Detail.Settings {
		if strings.HasSuffix(strings.ToLower(path), ".website_contentshare") && v != "null" {
			return below(account, "fileServices", "default", "shares", v)
		}
	}
	return account
}

func (l *linker) hostKeys(value string) arm.ID {
	account := accountOf(value)
	if account == "" && !strings.ContainsAny(value, "/;=") {
		account = value
	}
	if account == "" && strings.Contains(value, "://") {
		account = firstLabel(value)
	}
	id, ok := l.storage[strings.ToLower(account)]
	if !ok {
		return arm.ID{}
	}
	return below(id, "blobServices", "default", "containers", "azure-webjobs-secrets")
}

// mount is the share that a site mounts; the other settings of the mount stand beside.
func (l *linker) mount(r *mivet.Resource, path, value string) arm.ID {
	account, ok := l.storage[strings.ToLower(value)]
	if !ok {
		return arm.ID{}
	}
	prefix := path[:strings.LastIndexByte(path, '.')+1]
	share, found := r.Setting(prefix + "shareName")
	if !found {
		return account
	}
	if typ, _ := r.Setting(prefix + "type"); strings.EqualFold(typ, "AzureBlob") {
		return below(account, "blobServices", "default", "containers", share)
	}
	return below(account, "fileServices", "default", "shares", share)
}

// image is the registry of an image, unless the image is pinned by its digest.
func (l *linker) image(value string) arm.ID {
	host, rest, ok := strings.Cut(value, "/")
	if !ok || strings.Contains(rest, "@sha256:") || !strings.Contains(strings.ToLower(host), ".azurecr.") {
		return arm.ID{}
	}
	return l.registry[firstLabel(host)]
}

// machineImage is the gallery image or the image that a machine is made from.
func (l *linker) machineImage(value string) arm.ID {
	for id := parsed(value); !id.IsZero(); id = id.Parent() {
		if found, ok := l.known[id.Key()]; ok {
			return found
		}
	}
	return arm.ID{}
}

// vaultOf is the vault of a Key Vault reference.
func (l *linker) vaultOf(value string) arm.ID {
	if _, rest, ok := strings.Cut(value, "VaultName="); ok {
		name, _, _ := strings.Cut(strings.TrimRight(rest, ")"), ";")
		return l.vault[strings.ToLower(name)]
	}
	if _, rest, ok := strings.Cut(value, "SecretUri="); ok {
		return l.vault[firstLabel(rest)]
	}
	return arm.ID{}
}

// firstLabel is the first label of the host in a URL or a host name.
func firstLabel(s string) string {
	if _, rest, ok := strings.Cut(s, "://"); ok {
		s = rest
	}
	end := strings.IndexAny(s, "./:")
	if end < 0 {
		end = len(s)
	}
	return strings.ToLower(s[:end])
}

// accountOf is the account that a connection string, or what was kept of it, names.
func accountOf(value string) string {
	for part := range strings.SplitSeq(value, ";") {
		if k, v, ok := strings.Cut(part, "="); ok && strings.EqualFold(strings.TrimSpace(k), "AccountName") {
			return v
		}
	}
	return ""
}

// settingsUnder returns the values of all settings below a path, in the order of their
// names.
func settingsUnder(r *mivet.Resource, path string) []string {
	if r.Detail == nil {
		return nil
	}
	var names []string
	for k, v := range r.Detail.Settings {
		if v != "null" && len(k) > len(path) && strings.EqualFold(k[:len(path)], path) {
			names = append(names, k)
		}
	}
	slices.Sort(names)
	out := make([]string, len(names))
	for i, k := range names {
		out[i] = r.Detail.Settings[k]
	}
	return out
}

func issuerKey(s string) string { return strings.ToLower(strings.TrimRight(strings.TrimSpace(s), "/")) }
