//! What is registered at the simulated sign-in. Invented, and good for nothing else.

/// The application that has every permission of the Management Activity API.
pub const CLIENT_ID: &str = "5f2a9c1e-7b34-4d08-9e61-3c80a4d7f215";
/// Its client secret.
pub const CLIENT_SECRET: &str = "sim~only.Q7r-not-a-real-secret";
/// SHA-1 thumbprint of its certificate, as the portal shows it.
pub const CERTIFICATE_THUMBPRINT: &str = "B493617B76E5E7CECD18B1C66CBD2B3D46B5680F";
/// Public key of its certificate (PKCS#1 DER).
pub const CERTIFICATE_KEY: &[u8] = include_bytes!("../../../assets/simulator/management-activity-test-key.der");
/// The private key that belongs to it (PEM); a test key, made for this purpose.
pub const PRIVATE_KEY: &str = include_str!("../../../assets/simulator/management-activity-test-key.pem");
/// An application that can sign in with the same secret but was never granted a permission.
pub const BARE_CLIENT_ID: &str = "0d4be3a7-51f6-4a2b-8c19-6e7f20b9d348";
/// The user-assigned managed identity of the machine.
pub const MANAGED_IDENTITY: &str = "a8e61b70-2c95-4f3d-b7d4-91c05e8a632f";
/// What the feed grants.
pub const PERMISSIONS: [&str; 3] = ["ActivityFeed.Read", "ActivityFeed.ReadDlp", "ServiceHealth.Read"];
/// Where the application lets codes be sent.
pub const REDIRECT_URI: &str = "http://localhost";
