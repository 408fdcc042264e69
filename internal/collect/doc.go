// SPDX-License-Identifier: Apache-2.0

// Package collect reads a tenant from Azure: Resource Graph, Resource Manager and
// Microsoft Graph become one [mivet.Snapshot] with its gaps.
//
// Every request that it may send stands in one table (calls.go), with the operation that
// the caller needs, so that the role it asks for and the role it uses are the same. Every
// answer passes the redactor before anything else sees it. It only reads; it follows no
// link to another host; it never takes what it could not read for what is not there.
package collect
