import SluiceRuntime
import TestSupport

extension TestAuthority {
    /// The certificate with a name, and its key.
    func identity(_ name: String) -> TLSIdentity {
        TLSIdentity(certificatePath: path("\(name).pem"), keyPath: path("\(name).key"))
    }
}
