/// The version of Sluice. It is written here and nowhere else; `CHANGELOG.md` says what is in it.
package enum SluiceVersion {
    package static let number = "0.2.0"
}

/// The name of the protocol in TLS (ALPN), where clients and servers agree on what they speak.
package let sluiceApplicationProtocol = "sluice/1"
