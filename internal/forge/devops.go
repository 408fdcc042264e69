// SPDX-License-Identifier: Apache-2.0

package forge

import (
	"context"
	"encoding/json"
	"fmt"
	"net/url"
	"strconv"
	"strings"

	"github.com/mivet/mivet"
)

// DevOpsAPI is the address of Azure DevOps.
const DevOpsAPI = "https://dev.azure.com"

// devops reads one project.
type devops struct {
	*client
	*facts
	org, project, id string
}

// connection is a service connection.
type connection struct {
	ID            string `json:"id"`
	Name          string `json:"name"`
	Type          string `json:"type"`
	Authorization struct {
		Scheme     string `json:"scheme"`
		Parameters struct {
			Issuer  string `json:"workloadIdentityFederationIssuer"`
			Subject string `json:"workloadIdentityFederationSubject"`
		} `json:"parameters"`
	} `json:"authorization"`
}

// ReadAzureDevOps reads who can use and edit the service connections of a project that sign
// in to Azure by federation, and which agents there are. name is ORGANISATION/PROJECT.
func ReadAzureDevOps(ctx context.Context, config Config, name string) (*mivet.Snapshot, error) {
	org, project, ok := strings.Cut(name, "/")
	if !ok || org == "" || project == "" || strings.ContainsAny(name, "?#\\") || strings.Contains(project, "/") {
		return nil, fmt.Errorf("%q is no project of Azure DevOps: write ORGANISATION/PROJECT", name)
	}
	d := &devops{client: &client{config}, facts: newFacts("azure devops "+name, "azuredevops:", &config), org: org, project: project}
	var about struct {
		ID   string `json:"id"`
		Name string `json:"name"`
	}
	if err := d.one(ctx, d.orgPath("/_apis/projects/"+url.PathEscape(project)+"?api-version=7.1"), &about); err != nil {
		return nil, fmt.Errorf("reading the project %s: %w", name, err)
	}
	d.id = about.ID
	for _, step := range []func(context.Context) error{d.connections, d.agents} {
		if err := step(ctx); err != nil {
			return nil, fmt.Errorf("reading the project %s: %w", name, err)
		}
	}
	return &d.snap, nil
}

func (d *devops) orgPath(rest string) string { return "/" + url.PathEscape(d.org) + rest }

func (d *devops) path(rest string) string { return d.orgPath("/" + url.PathEscape(d.project) + rest) }

func (d *devops) source(path string) mivet.Source {
	path, _, _ = strings.Cut(path, "?")
	return mivet.Source{Origin: &mivet.Origin{API: "GET " + path, ReadAt: d.Now}}
}

// list asks for the elements of "value" on all pages.
func list[T any](ctx context.Context, d *devops, path string, each func(*T) error) error {
	return d.pages(ctx, path, func(body []byte) error {
		var page struct {
			Value []T `json:"value"`
		}
		if err := json.Unmarshal(body, &page); err != nil {
			return err
		}
		for i := range page.Value {
			if err := each(&page.Value[i]); err != nil {
				return err
			}
		}
		return nil
	})
}

func (d *devops) connections(ctx context.Context) error {
	path := d.path("/_apis/serviceendpoint/endpoints?api-version=7.1")
	src := d.source(path)
	err := list(ctx, d, path, func(c *connection) error {
		switch {
		case !strings.EqualFold(c.Type, "azurerm"):
			return nil
		case c.Authorization.Parameters.Subject == "" || c.Authorization.Parameters.Issuer == "":
			d.unread("service connection "+c.Name, "it signs in by "+c.Authorization.Scheme+", so no token tells who uses it", src)
			return nil
		}
		return d.users(ctx, c)
	})
	return d.missing(err, "service connections of "+d.project, "Service connections: read", src)
}

// users are those with a role on a connection. Whoever administers it can take its checks
// away; whoever may use it writes a pipeline that does
// (learn.microsoft.com/azure/devops/pipelines/policies/permissions).
func (d *devops) users(ctx context.Context, c *connection) error {
	guarded, err := d.checks(ctx, c)
	if err != nil {
		return err
	}
	path := d.orgPath("/_apis/securityroles/scopes/distributedtask.serviceendpointrole/roleassignments/resources/" +
		url.PathEscape(d.id+"_"+c.ID) + "?api-version=7.1-preview.1")
	src := d.source(path)
	type assignment struct {
		Identity struct {
			Unique  string `json:"uniqueName"`
			Display string `json:"displayName"`
		} `json:"identity"`
		Role struct {
			Name string `json:"name"`
		} `json:"role"`
	}
	err = list(ctx, d, path, func(a *assignment) error {
		name := a.Identity.Unique
		if name == "" {
			name = a.Identity.Display
		}
		r := mivet.OutsideRight{Issuer: c.Authorization.Parameters.Issuer, Subject: c.Authorization.Parameters.Subject, Source: src}
		switch strings.ToLower(a.Role.Name) {
		case "administrator":
			r.How, r.Certain = "administers the service connection "+c.Name+" of "+d.project, true
		case "user":
			r.How, r.Certain = "has a pipeline use the service connection "+c.Name+" of "+d.project, !guarded
			if guarded {
				r.How += ", which has checks"
			}
		default:
			return nil
		}
		if name != "" {
			d.right(name, r)
		}
		return nil
	})
	if err == nil {
		d.unread("pipelines of "+d.project, "who can change a pipeline that uses "+c.Name+" already was not read", src)
	}
	return d.missing(err, "roles on the service connection "+c.Name, "Service connections: administer", src)
}

// checks reports whether something has to agree before a connection is used, or may have to.
func (d *devops) checks(ctx context.Context, c *connection) (bool, error) {
	path := d.path("/_apis/pipelines/checks/configurations?resourceType=endpoint&resourceId=" + url.QueryEscape(c.ID) + "&api-version=7.1-preview.1")
	n := 0
	err := list(ctx, d, path, func(*json.RawMessage) error {
		n++
		return nil
	})
	if _, no := refused(err); no {
		return true, d.missing(err, "checks of the service connection "+c.Name, "Environments: read", d.source(path))
	}
	return n > 0, err
}

// agents are machines of one's own on which jobs of the organisation's projects run.
func (d *devops) agents(ctx context.Context) error {
	path := d.orgPath("/_apis/distributedtask/pools?api-version=7.1")
	src := d.source(path)
	type pool struct {
		ID     int    `json:"id"`
		Name   string `json:"name"`
		Hosted bool   `json:"isHosted"`
	}
	type agent struct {
		Name string `json:"name"`
	}
	err := list(ctx, d, path, func(p *pool) error {
		if p.Hosted {
			return nil
		}
		at := d.orgPath("/_apis/distributedtask/pools/" + strconv.Itoa(p.ID) + "/agents?api-version=7.1")
		err := list(ctx, d, at, func(a *agent) error {
			d.right("pipelines of "+d.project, mivet.OutsideRight{
				Runner: a.Name, How: "has a job run on the agent " + a.Name + " of the pool " + p.Name, Source: d.source(at),
			})
			return nil
		})
		return d.missing(err, "agents of the pool "+p.Name, "Agent pools: read", d.source(at))
	})
	return d.missing(err, "agent pools of "+d.org, "Agent pools: read", src)
}
