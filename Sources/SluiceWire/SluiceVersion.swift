/// The version of Sluice. It is written here and nowhere else; `CHANGELOG.md` says what is in it.
package enum SluiceVersion {
    package static let number = "0.2.0"
}
