// SPDX-License-Identifier: Apache-2.0

package execpath

import (
	"fmt"
	"strings"
	"testing"

	"github.com/mivet/mivet/arm"
)

const shapedText = `
subscription main
rg g in main
rg other in main
storage code in g .allowSharedKeyAccess=false
container packages in code
acr images in other
appconfig flags in other .disableLocalAuth=true
identity shared in other
functionapp fn in g system .siteConfig.appSettings.WEBSITE_RUN_FROM_PACKAGE=https://code.blob.core.windows.net/packages/fn.zip \
	.siteConfig.appSettings.FLAGS=https://flags.azconfig.io
containerapp shop in g system .template.containers[0].image=images.azurecr.io/shop:1
vm plain in g
user ann
user bob
user carl
user dora
group writers members=inner
group inner members=ann
sp pipeline
federated main on pipeline issuer=https://token.actions.githubusercontent.com subject=repo:o/r:ref:refs/heads/main
assign writers "Storage Blob Data Contributor" at packages
assign bob "Website Contributor" at fn eligible
assign pipeline Contributor at main
assign carl AcrPush at images
role settings at main actions=Microsoft.Web/sites/config/Write
assign dora settings at fn
assign ann "App Configuration Data Owner" at flags
`

func shapersText(t *testing.T, g *Graph, workload arm.ID) string {
	t.Helper()
	var b strings.Builder
	for _, s := range g.ShapersOf(workload) {
		name := string(s.Principal)
		if p := g.idx.Principal(s.Principal); p != nil {
			name = p.Name
		}
		fmt.Fprintf(&b, "%s %s %s at %s by %s", s.Aspect, name, s.Level, s.At.Name(), s.Techniques[0])
		if s.Link != nil {
			fmt.Fprintf(&b, ", %s", s.Link.Kind)
		}
		b.WriteString("\n")
	}
	return b.String()
}

func TestShapersOf(t *testing.T) {
	g := world(t, shapedText, Options{})
	var names []string
	byName := map[string]arm.ID{}
	for _, id := range g.Workloads() {
		names = append(names, id.Name())
		byName[id.Name()] = id
	}
	if got := strings.Join(names, " "); got != "shop fn" {
		t.Errorf("the workloads are %s", got)
	}
	f := func(workload, want string) {
		t.Helper()
		if got := shapersText(t, g, byName[workload]); got != want {
			t.Errorf("%s: got\n%swant\n%s", workload, got, want)
		}
	}
	const tokens = "tokens of https://token.actions.githubusercontent.com for repo:o/r:ref:refs/heads/main"
	f("fn", `code pipeline certain at fn by WEB-01
code bob possible at fn by WEB-01
configuration pipeline certain at fn by WEB-03
configuration dora certain at fn by WEB-04
configuration ann possible at flags by CFG-01, settings
configuration bob possible at fn by WEB-03
content pipeline certain at code by STG-01, package
content ann certain at packages by STG-02, package
template pipeline certain at g by ARM-03
identity pipeline certain at fn by UAMI-02
pipeline `+tokens+` possible at fn by CICD-01
`)
	f("shop", `code pipeline certain at shop by ACA-06
configuration pipeline certain at shop by ACA-02
image pipeline possible at images by ACR-01, image
image carl possible at images by ACR-01, image
template pipeline certain at g by ARM-03
identity pipeline certain at shop by UAMI-02
pipeline `+tokens+` possible at shop by CICD-01
`)
	f("nothing", "")
}
