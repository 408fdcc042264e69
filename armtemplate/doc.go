// SPDX-License-Identifier: Apache-2.0

// Package armtemplate reads and evaluates the template language of Azure Resource Manager:
// functions, copy loops, conditions, nested and linked templates, symbolic names, user
// functions, at all four scopes.
//
// A template is parsed from JSON ([Parse]) or built from nodes by a compiler ([FromNode]),
// and evaluated ([Template.Evaluate]) to a flat list of resources with their bodies, IDs,
// and places. What only a deployment knows stays an [Unknown]: a value of its own that
// remembers where it comes from ("identity.principalId of the resource …") through every
// function, parameter, output and nested template that it passes.
//
// The package deploys nothing, asks nobody, reads no file (the caller gives a loader for
// linked templates) and has no clock. It does not know resource types or their properties,
// checks no schema, and never guesses: a value that is not known is never taken as unset.
//
// The language: MicrosoftDocs/azure-docs articles/azure-resource-manager/templates/
// (syntax.md, template-expressions.md, template-functions*.md, copy-*.md, linked-templates.md,
// user-defined-functions.md, definitions.md, deploy-to-*.md).
package armtemplate
