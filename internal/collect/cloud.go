// SPDX-License-Identifier: Apache-2.0

package collect

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore/policy"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/runtime"
)

// Cloud says where the services of an Azure cloud are.
type Cloud struct {
	// Name is what people call it: "public", "china", "usgov", or the address of another one.
	Name string
	// Login is where tokens are issued, ResourceManager and Graph where questions are asked.
	// Each is "https://" and a host, without a slash at the end.
	Login, ResourceManager, Graph string
	// Audience is what a token for Resource Manager is issued for, GraphAudience one for Graph.
	Audience, GraphAudience string
	// HSMSuffix is how the hosts of managed HSMs end, without a dot in front.
	HSMSuffix string
	// Logs is where Log Analytics is asked, and what a token for it is issued for; empty where
	// that is not known.
	Logs string
	// Private is true for a cloud that the public sign-in service does not know.
	Private bool

	explorer string // the cluster of Data Explorer that is asked
}

// The clouds of Microsoft, by name. Hosts as in Azure/azure-sdk-for-go sdk/azcore/cloud and
// microsoftgraph/microsoft-graph-docs-contrib concepts/deployments.md.
var clouds = []Cloud{
	{
		Name: "public", Login: "https://login.microsoftonline.com", ResourceManager: "https://management.azure.com",
		Graph: "https://graph.microsoft.com", Audience: "https://management.core.windows.net/", HSMSuffix: "managedhsm.azure.net", Logs: "https://api.loganalytics.io",
	},
	{
		Name: "china", Login: "https://login.chinacloudapi.cn", ResourceManager: "https://management.chinacloudapi.cn",
		Graph: "https://microsoftgraph.chinacloudapi.cn", Audience: "https://management.core.chinacloudapi.cn", HSMSuffix: "managedhsm.azure.cn", Logs: "https://api.loganalytics.azure.cn",
	},
	{
		Name: "usgov", Login: "https://login.microsoftonline.us", ResourceManager: "https://management.usgovcloudapi.net",
		Graph: "https://graph.microsoft.us", Audience: "https://management.core.usgovcloudapi.net", HSMSuffix: "managedhsm.usgovcloudapi.net", Logs: "https://api.loganalytics.us",
	},
}

// CloudNames lists the clouds that have a name.
func CloudNames() []string {
	names := make([]string, len(clouds))
	for i, c := range clouds {
		names[i] = c.Name
	}
	return names
}

// FindCloud returns a cloud by its name, or asks the Resource Manager at an address
// "https://host[:port]" for it, the way az and Terraform do. transport is used for that
// question; nil stands for the default one.
func FindCloud(ctx context.Context, name string, transport policy.Transporter) (Cloud, error) {
	if name == "" {
		name = clouds[0].Name
	}
	for _, c := range clouds {
		if strings.EqualFold(c.Name, name) {
			c.GraphAudience = c.Graph
			return c, nil
		}
	}
	base, err := Host(name)
	if err != nil {
		return Cloud{}, fmt.Errorf("finding the cloud %q: it is none of %s, and no https address of a Resource Manager: %w",
			name, strings.Join(CloudNames(), ", "), err)
	}
	if transport == nil {
		transport = Transport(nil)
	}
	c, err := discover(ctx, base, transport)
	if err != nil {
		return Cloud{}, fmt.Errorf("asking %s what cloud it is: %w", base, err)
	}
	return c, nil
}

// Host returns "https://host[:port]" of an address that has no more than that.
func Host(address string) (string, error) {
	u, err := url.Parse(strings.TrimRight(address, "/"))
	switch {
	case err != nil:
		return "", errors.New("it is no address")
	case u.Scheme != "https":
		return "", errors.New("it does not begin with https://")
	case u.Host == "" || u.User != nil || u.RawQuery != "" || u.Fragment != "":
		return "", errors.New("it has more or less than a host")
	}
	return "https://" + u.Host, nil
}

// endpoints is the answer of /metadata/endpoints since version 2022-09-01
// (hashicorp/go-azure-sdk sdk/environments).
type endpoints struct {
	Authentication struct {
		LoginEndpoint string   `json:"loginEndpoint"`
		Audiences     []string `json:"audiences"`
	} `json:"authentication"`
	ResourceManager string `json:"resourceManager"`
	Graph           string `json:"microsoftGraphResourceId"`
	Logs            string `json:"logAnalyticsResourceId"`
	Suffixes        struct {
		HSM string `json:"mhsmDns"`
	} `json:"suffixes"`
}

// discoverTries is how often a cloud is asked what it is: whoever mistyped its address
// should not wait for long.
const discoverTries = 3

func discover(ctx context.Context, base string, transport policy.Transporter) (Cloud, error) {
	line := runtime.NewPipeline("mivet", "", runtime.PipelineOptions{PerRetry: []policy.Policy{bounded{}}}, &policy.ClientOptions{
		Transport: transport, Telemetry: policy.TelemetryOptions{Disabled: true}, Retry: policy.RetryOptions{MaxRetries: discoverTries - 1},
	})
	req, err := runtime.NewRequest(ctx, http.MethodGet, base+"/metadata/endpoints?api-version=2022-09-01")
	if err != nil {
		return Cloud{}, err
	}
	resp, err := line.Do(req) //nolint:bodyclose // Payload closes it
	if err != nil {
		return Cloud{}, errors.New(unanswered(err))
	}
	body, err := runtime.Payload(resp)
	if err != nil {
		return Cloud{}, errors.New(unanswered(err))
	}
	if resp.StatusCode != http.StatusOK {
		return Cloud{}, fmt.Errorf("it answers %s", resp.Status)
	}
	var e endpoints
	if err := json.Unmarshal(body, &e); err != nil {
		return Cloud{}, errors.New("its answer is no JSON of a cloud's addresses")
	}
	return e.cloud(base)
}

func (e *endpoints) cloud(base string) (Cloud, error) {
	c := Cloud{Name: base, ResourceManager: base, HSMSuffix: strings.Trim(e.Suffixes.HSM, "."), Private: true}
	if e.ResourceManager != "" {
		m, err := Host(e.ResourceManager)
		if err != nil {
			return c, fmt.Errorf("its address of Resource Manager: %w", err)
		}
		c.ResourceManager = m
	}
	var err error
	if c.Login, err = Host(e.Authentication.LoginEndpoint); err != nil {
		return c, fmt.Errorf("its sign-in address: %w", err)
	}
	if c.Graph, err = Host(e.Graph); err != nil {
		return c, fmt.Errorf("its address of Microsoft Graph: %w", err)
	}
	if e.Logs != "" {
		if c.Logs, err = Host(e.Logs); err != nil {
			return c, fmt.Errorf("its address of Log Analytics: %w", err)
		}
	}
	c.GraphAudience = c.Graph
	c.Audience = c.ResourceManager
	if len(e.Authentication.Audiences) > 0 {
		c.Audience = e.Authentication.Audiences[0]
	}
	return c, nil
}
