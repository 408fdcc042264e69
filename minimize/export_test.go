// SPDX-License-Identifier: Apache-2.0

package minimize

// Extends says which providers have resources that belong to those of others.
func Extends(provider string) bool { return extends[provider] }

// ProductOf names the providers of the product that a role is named after.
func ProductOf(role string) []string { return productOf(role) }

// ProductWords are what names of roles are searched for.
func ProductWords() (words []string) {
	for _, p := range products {
		words = append(words, p.words)
	}
	return words
}
