// SPDX-License-Identifier: Apache-2.0

// Package redact decides what of a tenant may be written down.
//
// Properties of resources pass an allow-list by resource type: what is not on it is
// dropped and counted. Texts that must be kept, such as tags, descriptions and error
// messages, are looked through for the shapes of secrets. It never keeps a value
// because it does not look like a secret where an allow-list can decide; it keeps no
// key, reads no environment, and cannot undo what it did.
//
// A [Redactor] is what package snapshot asks for before it writes anything.
package redact
