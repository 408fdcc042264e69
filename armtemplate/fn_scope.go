// SPDX-License-Identifier: Apache-2.0

package armtemplate

import (
	"errors"
	"fmt"

	"github.com/mivet/mivet/arm"
)

// named returns the value of a parameter or a variable.
func (c *call) named(slots map[arm.Key]*slot, what string) (Value, error) {
	v, err := c.eval(0)
	if err != nil {
		return nil, err
	}
	name, ok := v.(String)
	if !ok {
		if u, ok := v.(*Unknown); ok {
			return computed(KindAny, c.name, u), nil
		}
		return nil, fmt.Errorf("the name of a %s is a string, not %s", what, withArticle(v.Kind()))
	}
	key := arm.Fold(string(name))
	if c.env.inner {
		if v, ok := c.env.args[key]; ok {
			return v, nil
		}
		return nil, fmt.Errorf("the function has no %s %q", what, cut(string(name), 80))
	}
	s, ok := slots[key]
	if !ok {
		return nil, fmt.Errorf("the template has no %s %q", what, cut(string(name), 80))
	}
	return c.ev.force(s), nil
}

func copyIndex(c *call) (Value, error) {
	name, offset := "", Value(Int(0))
	for i := range c.expr.Args {
		v, err := c.eval(i)
		if err != nil {
			return nil, err
		}
		if s, ok := v.(String); ok && i == 0 {
			name = string(s)
			continue
		}
		offset = v
	}
	index, err := c.env.copyIndex(name)
	if err != nil {
		return nil, err
	}
	i, ok := index.(Int)
	n, isInt := offset.(Int)
	switch {
	case ok && isInt:
		return i + n, nil
	case offset == Int(0):
		return index, nil
	default:
		u := computed(KindInt, "add", index, offset)
		u.segment = true
		return u, nil
	}
}

// deploymentOnly is a value that only the deployment knows.
func deploymentOnly(text string, typ Kind) Value {
	return NewUnknown(text, typ, Origin{Kind: OriginDeployment, Name: text})
}

func deploymentTime(result Kind) func(*call) (Value, error) {
	return func(c *call) (Value, error) {
		u := computed(result, c.name, c.args...)
		u.origins = append(u.origins, Origin{Kind: OriginDeployment, Name: c.name})
		return u, nil
	}
}

// make returns an object of names and values in turn.
func (c *call) make(pairs ...any) (Value, error) {
	o := &Object{}
	for i := 0; i+1 < len(pairs); i += 2 {
		name, isName := pairs[i].(string)
		v, isValue := pairs[i+1].(Value)
		if isName && isValue {
			o.set(Field{Name: name, Value: v})
		}
	}
	return c.ev.object(o)
}

func (c *call) target() target { return c.env.frame.target }

// subscription, resourceGroup, managementGroup and tenant describe where the template is
// deployed (template-functions-scope.md).
func subscription(c *call) (Value, error) {
	t := c.target()
	return c.make(
		"id", joined("concat", []Value{String("/subscriptions/"), t.subscription}),
		"subscriptionId", t.subscription, "tenantId", t.tenant,
		"displayName", deploymentOnly("subscription().displayName", KindString),
	)
}

func resourceGroup(c *call) (Value, error) {
	t := c.target()
	t.level = arm.LevelResourceGroup
	props, err := c.make("provisioningState", String("Succeeded"))
	if err != nil {
		return nil, err
	}
	return c.make(
		"id", t.scopeID(), "name", t.group, "type", String("Microsoft.Resources/resourceGroups"), "location", t.location,
		"managedBy", deploymentOnly("resourceGroup().managedBy", KindAny), "tags", deploymentOnly("resourceGroup().tags", KindObject),
		"properties", props,
	)
}

func managementGroup(c *call) (Value, error) {
	t := c.target()
	t.level = arm.LevelManagementGroup
	return c.make(
		"id", t.scopeID(), "name", t.management, "type", String("/providers/Microsoft.Management/managementGroups"),
		"properties", deploymentOnly("managementGroup().properties", KindObject),
	)
}

func tenant(c *call) (Value, error) {
	return c.make(
		"tenantId", c.target().tenant, "countryCode", deploymentOnly("tenant().countryCode", KindString),
		"displayName", deploymentOnly("tenant().displayName", KindString),
	)
}

func deployment(c *call) (Value, error) {
	t := c.target()
	link, err := c.make("uri", deploymentOnly("deployment().properties.templateLink.uri", KindString), "id",
		deploymentOnly("deployment().properties.templateLink.id", KindString))
	if err != nil {
		return nil, err
	}
	template, err := c.make("contentVersion", String(c.env.frame.root.Get("contentVersion").text()))
	if err != nil {
		return nil, err
	}
	props, err := c.make(
		"mode", deploymentOnly("deployment().properties.mode", KindString), "provisioningState", String("Accepted"),
		"template", template, "templateLink", link, "parameters", deploymentOnly("deployment().properties.parameters", KindObject),
	)
	if err != nil {
		return nil, err
	}
	return c.make("name", t.name, "location", t.location, "properties", props)
}

func deployer(c *call) (Value, error) {
	return c.make(
		"objectId", deploymentOnly("deployer().objectId", KindString), "tenantId", c.target().tenant,
		"userPrincipalName", deploymentOnly("deployer().userPrincipalName", KindString),
	)
}

func newGUID(*call) (Value, error) {
	u := NewUnknown("newGuid()", KindString, Origin{Kind: OriginTime, Name: "newGuid"})
	u.segment = true
	return u, nil
}

func externalInput(c *call) (Value, error) {
	u := computed(KindAny, c.name, c.args...)
	u.origins = append(u.origins, Origin{Kind: OriginParameter, Name: Text(c.args[0])})
	return u, nil
}

func misplacedLambda(*call) (Value, error) {
	return nil, errors.New("a lambda stands only as an argument of a function that calls it")
}
