// Package messages has what the gateway's own pages say, in several languages.
//
// A [Catalogue] holds the texts of one language. English and German are in the binary, one flat YAML
// file each; an operator's folder adds languages or replaces single texts. What a catalogue lacks is
// said in English. A [Set] is the languages of a site in their order, and chooses one for a request.
//
// A text has places such as {name}. One that counts stands in the file once for each plural form of
// its language, under the names of CLDR: minutes.one, minutes.few, minutes.other.
package messages
