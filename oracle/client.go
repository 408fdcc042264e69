// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"strings"
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore"
	azlog "github.com/Azure/azure-sdk-for-go/sdk/azcore/log"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/policy"
	"github.com/Azure/azure-sdk-for-go/sdk/azidentity"
)

// request is what a client is told to do, and result what it did.
type request struct {
	API     string         `json:"api"`
	Options requestOptions `json:"options"`
	Calls   int            `json:"calls"`
}

type requestOptions struct {
	ClientID                  string   `json:"clientId,omitempty"`
	ResourceID                string   `json:"resourceId,omitempty"`
	ObjectID                  string   `json:"objectId,omitempty"`
	ManagedIdentityClientID   string   `json:"managedIdentityClientId,omitempty"`
	ManagedIdentityResourceID string   `json:"managedIdentityResourceId,omitempty"`
	WorkloadIdentityClientID  string   `json:"workloadIdentityClientId,omitempty"`
	RequireSelection          bool     `json:"requireAzureTokenCredentials,omitempty"`
	RequiredVariables         []string `json:"requiredEnvVars,omitempty"`
	DisableInstanceDiscovery  bool     `json:"disableInstanceDiscovery,omitempty"`
}

type result struct {
	Outcome    string `json:"outcome"`
	Credential string `json:"credential,omitempty"`
	Token      string `json:"token,omitempty"`
	Error      string `json:"error,omitempty"`
}

const scope = "https://vault.azure.net/.default"

// goClient is azidentity, used as the request says. It runs in a process of its own,
// since the library keeps tokens and its choices for the whole process.
func goClient() error {
	var r request
	if err := json.NewDecoder(os.Stdin).Decode(&r); err != nil {
		return fmt.Errorf("reading the request: %w", err)
	}
	return json.NewEncoder(os.Stdout).Encode(useGo(&r))
}

func useGo(r *request) result {
	winner := ""
	azlog.SetListener(func(_ azlog.Event, text string) {
		if _, name, ok := strings.Cut(text, " authenticated with "); ok {
			winner = strings.TrimSuffix(name, "Credential")
		}
	})
	credential, err := build(r)
	if err != nil {
		return result{Outcome: "constructor_error", Error: err.Error()}
	}
	ctx, cancel := context.WithTimeout(context.Background(), 200*time.Second)
	defer cancel()
	var token azcore.AccessToken
	for range max(1, r.Calls) {
		if token, err = credential.GetToken(ctx, policy.TokenRequestOptions{Scopes: []string{scope}}); err != nil {
			err = fmt.Errorf("asking for a token: %w", err)
		}
	}
	if err != nil {
		return result{Outcome: "error", Error: err.Error()}
	}
	if winner == "" {
		winner = strings.TrimSuffix(r.API, "Credential")
	}
	return result{Outcome: "token", Credential: winner, Token: token.Token}
}

func build(r *request) (azcore.TokenCredential, error) {
	switch r.API {
	case "DefaultAzureCredential":
		return azidentity.NewDefaultAzureCredential(&azidentity.DefaultAzureCredentialOptions{
			DisableInstanceDiscovery: r.Options.DisableInstanceDiscovery, RequireAzureTokenCredentials: r.Options.RequireSelection,
		})
	case "ManagedIdentityCredential":
		return azidentity.NewManagedIdentityCredential(managedOptions(r))
	case "WorkloadIdentityCredential":
		return azidentity.NewWorkloadIdentityCredential(&azidentity.WorkloadIdentityCredentialOptions{ClientID: r.Options.ClientID})
	case "Chain(MI,AzureCLI)":
		managed, err := azidentity.NewManagedIdentityCredential(managedOptions(r))
		if err != nil {
			return nil, err
		}
		cli, err := azidentity.NewAzureCLICredential(nil)
		if err != nil {
			return nil, err
		}
		return azidentity.NewChainedTokenCredential([]azcore.TokenCredential{managed, cli}, nil)
	}
	return nil, fmt.Errorf("api %q is not known", r.API)
}

func managedOptions(r *request) *azidentity.ManagedIdentityCredentialOptions {
	o := new(azidentity.ManagedIdentityCredentialOptions)
	switch {
	case r.Options.ClientID != "":
		o.ID = azidentity.ClientID(r.Options.ClientID)
	case r.Options.ResourceID != "":
		o.ID = azidentity.ResourceID(r.Options.ResourceID)
	case r.Options.ObjectID != "":
		o.ID = azidentity.ObjectID(r.Options.ObjectID)
	}
	return o
}
