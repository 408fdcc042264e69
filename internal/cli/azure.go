// SPDX-License-Identifier: Apache-2.0

package cli

import (
	"context"
	"crypto/x509"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"

	"github.com/mivet/mivet/catalog"
	"github.com/mivet/mivet/internal/collect"
	"github.com/mivet/mivet/redact"
)

// azureFlags say which Azure is asked, and as whom.
type azureFlags struct {
	cloud, graph, auth, tenant, client, caFile, digestKey, with string
}

func (f *azureFlags) register(cmd *cobra.Command) {
	fl := cmd.Flags()
	fl.StringVar(&f.cloud, "cloud", "public", "the cloud: "+strings.Join(collect.CloudNames(), ", ")+", or the https address of a Resource Manager")
	fl.StringVar(&f.graph, "graph", "", "ask Microsoft Graph at this https address (default: that of the cloud)")
	fl.Var(&choice{&f.auth, collect.LoginMethods()}, "auth", "how to sign in: "+strings.Join(collect.LoginMethods(), ", "))
	fl.StringVar(&f.tenant, "tenant", "", "sign in to this directory (default: AZURE_TENANT_ID, or that of the user)")
	fl.StringVar(&f.client, "client", "", "sign in as this application or managed identity: a client ID, or the resource ID of an identity (default: AZURE_CLIENT_ID)")
	fl.StringVar(&f.caFile, "ca-file", "", "trust the authorities in this PEM file too")
}

// registerWhat adds the flags that say what is read and how it is kept.
func (f *azureFlags) registerWhat(cmd *cobra.Command) {
	fl := cmd.Flags()
	var names []string
	for _, o := range collect.Options() {
		names = append(names, string(o))
	}
	fl.StringVar(&f.with, "with", "", "read these as well, with commas between: "+strings.Join(names, ", "))
	fl.StringVar(&f.digestKey, "digest-key", "", "make digests of dropped values with the key in this file, which is made if it is not there")
}

func (f *azureFlags) options() ([]collect.Option, error) {
	known := map[string]collect.Option{}
	var names []string
	for _, o := range collect.Options() {
		known[string(o)] = o
		names = append(names, string(o))
	}
	var out []collect.Option
	for w := range strings.FieldsFuncSeq(f.with, func(r rune) bool { return r == ',' || r == ' ' }) {
		o, ok := known[w]
		if !ok {
			return nil, usagef("--with %q is none of %s", w, strings.Join(names, ", "))
		}
		out = append(out, o)
	}
	return out, nil
}

// azure makes what every command that asks Azure needs.
func (a *app) azure(ctx context.Context, f *azureFlags) (*collect.Config, error) {
	with, err := f.options()
	if err != nil {
		return nil, err
	}
	roots, err := authorities(f.caFile)
	if err != nil {
		return nil, err
	}
	transport := collect.Transport(roots)
	cloud, err := collect.FindCloud(ctx, f.cloud, transport)
	if err != nil {
		return nil, err
	}
	if f.graph != "" {
		if cloud.Graph, err = collect.Host(f.graph); err != nil {
			return nil, usagef("--graph %q: %w", f.graph, err)
		}
	}
	login := &collect.Login{
		Method: f.auth, Tenant: f.tenant, ClientID: f.client, Env: a.Env, Transport: transport,
		Tell: func(s string) { a.message("%s", s) },
	}
	cred, err := login.Credential(cloud)
	if err != nil {
		return nil, errorWithHint(err, append([]string{"the ways to sign in (--auth):"}, collect.LoginHelp()...)...)
	}
	var options redact.Options
	if f.digestKey != "" {
		if options.Key, options.KeyID, err = collect.DigestKey(f.digestKey); err != nil {
			return nil, err
		}
	}
	cleaner, err := redact.New(options)
	if err != nil {
		return nil, fmt.Errorf("preparing the redaction: %w", err)
	}
	cat, err := a.catalog()
	if err != nil {
		return nil, err
	}
	return &collect.Config{
		Cloud: cloud, Credential: cred, Redactor: cleaner, KeyID: options.KeyID, Version: a.version(), Now: a.Clock,
		With: with, Transport: transport, Switches: switchesOf(cat),
	}, nil
}

// authorities are those of the system and those of a file; nil for the system's alone.
func authorities(file string) (*x509.CertPool, error) {
	if file == "" {
		return nil, nil //nolint:nilnil // nil stands for the system's own
	}
	pem, err := os.ReadFile(filepath.Clean(file))
	if err != nil {
		return nil, err
	}
	pool, err := x509.SystemCertPool()
	if err != nil {
		pool = x509.NewCertPool()
	}
	if !pool.AppendCertsFromPEM(pem) {
		return nil, fmt.Errorf("reading %s: %w", file, errors.New("it holds no certificate in PEM form"))
	}
	return pool, nil
}

// decisive are properties that decide something and are no switches of the catalogue.
var decisive = map[string][]string{
	"microsoft.storage/storageaccounts":          {"isHnsEnabled"},
	"microsoft.containerregistry/registries":     {"roleAssignmentMode"},
	"microsoft.containerservice/managedclusters": {"aadProfile.enableAzureRBAC"},
	"microsoft.web/sites":                        {"keyVaultReferenceIdentity"},
	"microsoft.web/sites/slots":                  {"keyVaultReferenceIdentity"},
}

// switchesOf returns the properties of a type whose absence says something: Azure's
// default holds then.
func switchesOf(cat *catalog.Catalog) func(string) []string {
	return func(resourceType string) []string {
		var out []string
		for _, s := range cat.AuthSwitches(resourceType) {
			path, ok := strings.CutPrefix(s.Property, "properties.")
			if ok && !strings.ContainsAny(path, "[{*") {
				out = append(out, path)
			}
		}
		return append(out, decisive[strings.ToLower(resourceType)]...)
	}
}
