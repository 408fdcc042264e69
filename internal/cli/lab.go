// SPDX-License-Identifier: Apache-2.0

package cli

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/mivet/mivet/arm"
	"github.com/mivet/mivet/internal/lab"
	"github.com/mivet/mivet/snapshot"
)

type labFlags struct {
	in      inputFlags
	listen  string
	secret  string
	dir     string
	faults  []string
	latency time.Duration
	quotas  bool
	outside bool
	lag     time.Duration
	logs    string
	env     bool
	on      string
}

func (a *app) labCommand() *cobra.Command {
	var f labFlags
	cmd := &cobra.Command{
		Use:     "lab [INPUT...]",
		Short:   "serve a tenant as a simulated Azure on this machine",
		GroupID: groupOther,
		Example: "  mivet lab &                                     serve the demo tenant\n" +
			"  eval \"$(mivet lab --env)\"                       point SDKs, az and Terraform at it\n" +
			"  az login --service-principal -u $AZURE_CLIENT_ID -p $AZURE_CLIENT_SECRET --tenant $AZURE_TENANT_ID\n" +
			"  mivet lab prod.mivet --quotas --fault throttle,api=resourcegraph,count=3,retry-after=2s",
		Long: "Token endpoints, Resource Manager, Resource Graph and Microsoft Graph answer from the inputs, else\n" +
			"from the demo tenant, and so do Key Vault, Blob and Queue Storage and Service Bus at their own hosts:\n" +
			"the lab is a proxy that leads to them. What is written through Resource Manager changes the tenant\n" +
			"as long as the lab runs; recreated resources have new principals. Every request is decided for the caller's token, as Azure would.\n" +
			"The operator, whose client ID --env prints, may do everything and is no part of the tenant; other\n" +
			"applications sign in with the same secret, and may what the tenant lets them.\n\n" +
			"Faults: KIND[,api=][,method=][,path=][,after=][,count=][,probability=][,seed=][,status=]\n" +
			"[,retry-after=][,delay=][,share=]. Kinds: " + labFaultKinds() + ".\n" +
			"Sides (api): " + labFaultAPIs() + ".\n" +
			"While the lab runs: GET, POST and DELETE /lab/faults, in JSON with the same names in camelCase.",
		Args: a.args(0, -1),
	}
	f.in.registerDemo(cmd)
	fl := cmd.Flags()
	fl.StringVar(&f.listen, "listen", "127.0.0.1:8443", "listen on this address and port; port 0 is a free one")
	fl.StringVar(&f.secret, "secret", "", "the client secret of every application (default: one is drawn)")
	fl.StringVar(&f.dir, "dir", "", "keep the lab's certificate and address in this folder (default: mivet/lab in the user's cache)")
	fl.StringArrayVar(&f.faults, "fault", nil, "let something go wrong, see below; may be repeated")
	fl.DurationVar(&f.latency, "latency", 0, "wait so long before each answer")
	fl.BoolVar(&f.quotas, "quotas", false, "enforce the quotas of Azure's APIs")
	fl.StringVar(&f.logs, "logs", "", "write activity log, audit and sign-in logs to this folder, as Azure exports them to a storage account")
	fl.DurationVar(&f.lag, "propagation", 0, "let role assignments that are made or deleted take effect after this time")
	fl.BoolVar(&f.outside, "outside", false, "put callers of data planes outside of every network, so that firewalls refuse them")
	fl.StringVar(&f.on, "on", "", "with --env: the environment of a program that runs on the resource of this ID, with its managed identities")
	fl.BoolVar(&f.env, "env", false, "print the environment for SDKs, az and Terraform of the lab that runs, for a POSIX shell")
	cmd.RunE = a.run(func(ctx context.Context, args []string) (int, error) {
		dir, err := a.labDir(f.dir)
		if err != nil {
			return exitUsage, a.misuse(cmd, err)
		}
		if f.env {
			if len(args) > 0 {
				return exitUsage, a.misuse(cmd, errors.New("--env asks the lab that runs, and takes no input"))
			}
			on, err := arm.ParseID(f.on)
			if f.on != "" && (err != nil || on.Level() != arm.LevelResource) {
				return exitUsage, a.misuse(cmd, fmt.Errorf("--on %q is no ID of a resource", f.on))
			}
			return exitOK, a.labEnv(ctx, dir, on)
		}
		if f.on != "" {
			return exitUsage, a.misuse(cmd, errors.New("--on goes with --env"))
		}
		return exitOK, a.lab(ctx, &f, dir, args)
	})
	return cmd
}

func labFaultKinds() string {
	var kinds []string
	for _, k := range lab.FaultKinds() {
		kinds = append(kinds, string(k))
	}
	return strings.Join(kinds, ", ")
}

func labFaultAPIs() string {
	var names []string
	for _, n := range lab.FaultAPIs() {
		names = append(names, string(n))
	}
	return strings.Join(names, ", ")
}

// labDir is the folder in which a lab leaves what others need to reach it.
func (a *app) labDir(given string) (string, error) {
	switch {
	case given != "":
		return given, nil
	case a.Env("XDG_CACHE_HOME") != "":
		return filepath.Join(a.Env("XDG_CACHE_HOME"), "mivet", "lab"), nil
	case a.Env("LOCALAPPDATA") != "":
		return filepath.Join(a.Env("LOCALAPPDATA"), "mivet", "lab"), nil
	case a.Env("HOME") != "":
		return filepath.Join(a.Env("HOME"), ".cache", "mivet", "lab"), nil
	}
	return "", errors.New("--dir is missing: no folder for the user's cache is known")
}

// labFile is what a lab writes of itself, and --env reads.
type labFile struct {
	URL      string `json:"url"`
	TenantID string `json:"tenantId"`
	Secret   string `json:"secret"`
	// Subscription is the first one of the tenant; Terraform wants one.
	Subscription string `json:"subscription"`
}

const (
	labFileName = "lab.json"
	labCAName   = "ca.pem"
	labAzName   = "az"
)

// lab serves until it is interrupted.
func (a *app) lab(ctx context.Context, f *labFlags, dir string, args []string) (err error) {
	o := lab.Options{Addr: f.listen, Secret: f.secret, Latency: f.latency, Now: a.Clock, Outside: f.outside, Propagation: f.lag, Logs: f.logs}
	for _, text := range f.faults {
		fault, err := lab.ParseFault(text)
		if err != nil {
			return &usageError{err}
		}
		o.Faults = append(o.Faults, fault)
	}
	if f.quotas {
		o.Quotas = lab.AzureQuotas()
	}
	if o.Catalog, err = a.catalog(); err != nil {
		return err
	}
	if names, _ := a.defaultInput(); len(args)+len(names) == 0 {
		f.in.demo = true
	}
	r, err := a.read(ctx, &f.in, args)
	if err != nil {
		return err
	}
	raw := &rawFiles{}
	defer func() { err = errors.Join(err, raw.close()) }()
	if err := raw.open(r.snap.Inputs); err != nil {
		return err
	}
	o.Raw = raw.properties
	if a.verbose {
		o.Observe = func(e lab.Exchange) {
			a.message("%s %s %s: %d %s %s", string(e.API), e.Method, e.Path, e.Status, e.Caller, string(e.Fault))
		}
	}
	s, err := lab.Start(r.snap, o)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, a.endLab(s, dir)) }()
	about := labFile{URL: s.URL(), TenantID: s.TenantID(), Secret: s.Secret()}
	if len(r.snap.Subscriptions) > 0 {
		about.Subscription = r.snap.Subscriptions[0].ID.SubscriptionID()
	}
	if err := writeLab(dir, &about, s.CA()); err != nil {
		return err
	}
	p := newPrinter(a.Stdout, a.coloured(a.Stdout))
	p.printf("The lab serves %s at %s\n", strings.Join(r.snap.Inputs, ", "), bold(s.URL()))
	p.printf("  tenant    %s\n  operator  %s\n  trust     %s\n", about.TenantID, lab.OperatorID, filepath.Join(dir, labCAName))
	p.printf("In another shell:  eval \"$(mivet lab --env)\"\nAn interrupt ends it.\n")
	if p.err != nil {
		return p.err
	}
	<-ctx.Done()
	return nil
}

// endLab ends a lab, and takes back what was written of it.
func (a *app) endLab(s *lab.Server, dir string) error {
	ctx, stop := context.WithTimeout(context.Background(), 2*time.Second)
	defer stop()
	err := s.Shutdown(ctx)
	if errors.Is(err, context.DeadlineExceeded) {
		err = nil // requests that hang are cut
	}
	return errors.Join(err, os.Remove(filepath.Join(dir, labFileName)))
}

func writeLab(dir string, about *labFile, ca []byte) error {
	// az wants its folder to be there, and remembers in it address and tokens of an earlier lab.
	if err := os.RemoveAll(filepath.Join(dir, labAzName)); err != nil {
		return fmt.Errorf("forgetting an earlier lab: %w", err)
	}
	if err := os.MkdirAll(filepath.Join(dir, labAzName), 0o700); err != nil {
		return fmt.Errorf("making the folder of the lab: %w", err)
	}
	writeCA := func(w io.Writer) error { _, err := w.Write(ca); return err }
	if err := writeFile(filepath.Join(dir, labCAName), writeCA); err != nil {
		return fmt.Errorf("writing the lab's certificate: %w", err)
	}
	if err := writeFile(filepath.Join(dir, labFileName), func(w io.Writer) error { return writeJSON(w, about) }); err != nil {
		return fmt.Errorf("writing the lab's address: %w", err)
	}
	return nil
}

// rawFiles are the snapshot files among the inputs: they hold resources as Azure returned
// them.
type rawFiles struct {
	files  []*os.File
	parsed []*snapshot.File
}

func (r *rawFiles) open(names []string) error {
	for _, name := range names {
		info, err := os.Stat(name)
		if err != nil || !info.Mode().IsRegular() {
			continue // it is no file of its own, such as the demo tenant
		}
		f, err := os.Open(name)
		if err != nil {
			return err
		}
		r.files = append(r.files, f)
		head := make([]byte, snapshot.HeadSize)
		n, err := f.ReadAt(head, 0)
		if err != nil && !errors.Is(err, io.EOF) || !snapshot.Is(head[:n]) {
			continue
		}
		parsed, err := snapshot.Open(f, info.Size())
		if err != nil {
			return fmt.Errorf("reading %s: %w", name, err)
		}
		r.parsed = append(r.parsed, parsed)
	}
	return nil
}

// properties returns a resource as the last file has it; nil if none has it.
func (r *rawFiles) properties(id arm.ID) (json.RawMessage, error) {
	for _, f := range slices.Backward(r.parsed) {
		raw, ok, err := f.Properties(id)
		if err != nil || ok {
			return raw, err
		}
	}
	return nil, nil
}

func (r *rawFiles) close() error {
	var errs []error
	for _, f := range r.files {
		errs = append(errs, f.Close())
	}
	return errors.Join(errs...)
}

// labEnv prints the environment of the lab that runs.
func (a *app) labEnv(ctx context.Context, dir string, on arm.ID) error {
	text, err := os.ReadFile(filepath.Join(dir, labFileName))
	if err != nil {
		return errorWithHint(fmt.Errorf("no lab is known in %s: %w", dir, err), `start one with "mivet lab"`)
	}
	var about labFile
	if err := json.Unmarshal(text, &about); err != nil {
		return fmt.Errorf("reading %s: %w", filepath.Join(dir, labFileName), err)
	}
	ca, err := filepath.Abs(filepath.Join(dir, labCAName))
	if err != nil {
		return err
	}
	if err := askLab(ctx, about.URL, ca); err != nil {
		return errorWithHint(fmt.Errorf("the lab at %s does not answer: %w", about.URL, err), `start it again with "mivet lab"`)
	}
	az, err := filepath.Abs(filepath.Join(dir, labAzName))
	if err != nil {
		return err
	}
	p := newPrinter(a.Stdout, false)
	for _, v := range labVariables(&about, ca, az, on) {
		if v[0] == "#" {
			p.printf("# %s\n", v[1])
			continue
		}
		p.printf("export %s=%s\n", v[0], shellQuoted(v[1]))
	}
	return p.err
}

// labVariables are the variables with what they are for. A program on a resource has no
// secret, and does not need to know where the sides of the lab are.
func labVariables(about *labFile, ca, az string, on arm.ID) [][2]string {
	host := strings.TrimPrefix(about.URL, "https://")
	network := [][2]string{
		{"#", "the hosts of the services that the lab has, and no others"},
		{"HTTPS_PROXY", "http://" + host},
		{"NO_PROXY", "localhost,127.0.0.1"},
		{"#", "whom to trust: Go and OpenSSL, Python and az, Node; in this shell, the lab alone"},
		{"SSL_CERT_FILE", ca},
		{"REQUESTS_CA_BUNDLE", ca},
		{"NODE_EXTRA_CA_CERTS", ca},
		{"MIVET_CA_FILE", ca},
	}
	if !on.IsZero() {
		env := lab.HostEnv(about.URL, about.Secret, on)
		return append([][2]string{
			{"#", "the managed identities of " + on.String()},
			{"IDENTITY_ENDPOINT", env["IDENTITY_ENDPOINT"]},
			{"IDENTITY_HEADER", env["IDENTITY_HEADER"]},
		}, network...)
	}
	return append([][2]string{
		{"#", "azidentity and other SDKs; they need the instance discovery switched off in code"},
		{"AZURE_AUTHORITY_HOST", about.URL + "/"},
		{"AZURE_TENANT_ID", about.TenantID},
		{"AZURE_CLIENT_ID", lab.OperatorID},
		{"AZURE_CLIENT_SECRET", about.Secret},
		{"#", "az, with a folder of its own, so that other sign-ins stay as they are"},
		{"ARM_CLOUD_METADATA_URL", about.URL + "/metadata/endpoints?api-version=2019-05-01&login=adfs"},
		{"AZURE_CONFIG_DIR", az},
		{"AZURE_CORE_INSTANCE_DISCOVERY", "false"},
		{"#", "the azurerm and azapi providers of Terraform; azurerm takes its addresses from the metadata, azapi from the others"},
		{"ARM_METADATA_HOSTNAME", host},
		{"ARM_ENVIRONMENT", "custom"},
		{"ARM_ACTIVE_DIRECTORY_AUTHORITY_HOST", about.URL + "/"},
		{"ARM_RESOURCE_MANAGER_ENDPOINT", about.URL},
		{"ARM_RESOURCE_MANAGER_AUDIENCE", about.URL},
		{"ARM_DISABLE_INSTANCE_DISCOVERY", "true"},
		{"ARM_TENANT_ID", about.TenantID},
		{"ARM_CLIENT_ID", lab.OperatorID},
		{"ARM_CLIENT_SECRET", about.Secret},
		{"ARM_SUBSCRIPTION_ID", about.Subscription},
		{"#", "mivet itself"},
		{"MIVET_CLOUD", about.URL},
	}, network...)
}

// shellQuoted writes a text so that a POSIX shell takes it as it is.
func shellQuoted(s string) string { return "'" + strings.ReplaceAll(s, "'", `'\''`) + "'" }

// askLab asks whether a lab answers.
func askLab(ctx context.Context, url, ca string) error {
	text, err := os.ReadFile(filepath.Clean(ca))
	if err != nil {
		return err
	}
	pool := x509.NewCertPool()
	pool.AppendCertsFromPEM(text)
	ctx, stop := context.WithTimeout(ctx, 5*time.Second)
	defer stop()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, url+"/metadata/endpoints?api-version=2022-09-01", nil)
	if err != nil {
		return err
	}
	client := &http.Client{Transport: &http.Transport{
		DialContext: (&net.Dialer{}).DialContext, TLSClientConfig: &tls.Config{RootCAs: pool, MinVersion: tls.VersionTLS12}, DisableKeepAlives: true,
	}}
	res, err := client.Do(req)
	if err != nil {
		return err
	}
	defer res.Body.Close() //nolint:errcheck // nothing of it is read
	if res.StatusCode != http.StatusOK {
		return fmt.Errorf("it answers %s", res.Status)
	}
	return nil
}
