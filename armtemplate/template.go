// SPDX-License-Identifier: Apache-2.0

package armtemplate

import (
	"strings"

	"github.com/mivet/mivet/arm"
)

// Template is a template that was read and not yet evaluated. It may be evaluated many
// times, also at once.
type Template struct {
	root  *Node
	level arm.Level
}

// Parse reads a template. The file is its path as people know it; linked templates are
// looked for beside it.
func Parse(file string, src []byte) (*Template, error) {
	root, err := ParseJSON(file, src)
	if err != nil {
		return nil, err
	}
	return FromNode(root)
}

// FromNode returns the template of a tree.
func FromNode(root *Node) (*Template, error) {
	if !root.isObject() {
		return nil, &Error{Pos: root.Pos, Reason: "a template is an object"}
	}
	schema := root.Get("$schema").text()
	level := levelOf(schema)
	if level == arm.LevelNone {
		if schema != "" && root.Get("resources") == nil {
			return nil, &Error{Pos: root.Get("$schema").Pos, Reason: "the schema is not one of a deployment template"}
		}
		level = arm.LevelResourceGroup
	}
	if r := root.Get("resources"); !r.isNull() && !r.isArray() && !r.isObject() {
		return nil, &Error{Pos: r.Pos, Reason: "resources must be a list, or an object by symbolic name"}
	}
	return &Template{root: root, level: level}, nil
}

// Level returns the scope that the template is written for.
func (t *Template) Level() arm.Level { return t.level }

// Node returns the template as it was written.
func (t *Template) Node() *Node { return t.root }

// levelOf tells the scope by the schema (deploy-to-subscription.md#schema and its
// neighbours); LevelNone if it is none.
func levelOf(schema string) arm.Level {
	name := schema[strings.LastIndexByte(schema, '/')+1:]
	name = strings.ToLower(strings.TrimSuffix(strings.TrimSuffix(name, "#"), ".json"))
	switch name {
	case "deploymenttemplate":
		return arm.LevelResourceGroup
	case "subscriptiondeploymenttemplate":
		return arm.LevelSubscription
	case "managementgroupdeploymenttemplate":
		return arm.LevelManagementGroup
	case "tenantdeploymenttemplate":
		return arm.LevelRoot
	default:
		return arm.LevelNone
	}
}
