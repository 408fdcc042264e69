// SPDX-License-Identifier: Apache-2.0

package minimize

// Extends says which providers have resources that belong to those of others.
func Extends(provider string) bool { return extends[provider] }
